"""No route: bring the database schema up to date, invoked by each deployment and by the local run."""

from typing import Any

from segmentation import accounts, schema
from segmentation.database import connect
from segmentation.runtime import custom_resource, settings
from segmentation.runtime.log import observed

PROXY_PATIENCE_SECONDS = 300
"""How long a stack waits for a new database: RDS Proxy answers some minutes after CloudFormation calls it made."""


@observed("apply_migrations")
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Apply the missing migrations; as a custom resource of CloudFormation, tell the stack how it went."""
    if custom_resource.is_request(event):
        return custom_resource.answer(event, lambda: apply_migrations(patience_seconds=PROXY_PATIENCE_SECONDS))
    return apply_migrations()


def apply_migrations(patience_seconds: float = 0) -> dict[str, Any]:
    """Apply the missing migrations as the owner of the schema, and see to it that somebody can sign in."""
    with connect(settings.database_owner_conninfo(), patience_seconds=patience_seconds) as owner:
        outcome = schema.migrate(owner, settings.database_conninfo())
        accounts.create_first(owner, settings.first_admin)
        return outcome
