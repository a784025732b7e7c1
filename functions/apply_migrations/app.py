"""No route: bring the database schema up to date, invoked by each deployment and by the local run."""

from typing import Any

from segmentation import custom_resource, schema, settings
from segmentation.database import connect


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Apply the missing migrations; as a custom resource of CloudFormation, tell the stack how it went."""
    if custom_resource.is_request(event):
        return custom_resource.answer(event, apply_migrations)
    return apply_migrations()


def apply_migrations() -> dict[str, Any]:
    """Apply the missing migrations as the owner of the schema."""
    with connect(settings.database_owner_conninfo()) as owner:
        return schema.migrate(owner, settings.database_conninfo())
