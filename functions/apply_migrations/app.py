"""No route: migrate the database schema. Each deployment and the local run invoke it."""

from typing import Any

from segmentation.access import accounts
from segmentation.database import migrate
from segmentation.database.connection import connect
from segmentation.runtime import custom_resource, settings
from segmentation.runtime.log import observed

PROXY_START_SECONDS = 300
"""How long a stack waits for a new database. RDS Proxy answers minutes after CloudFormation reports its creation."""


@observed("apply_migrations")
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Apply the missing migrations. As a custom resource of CloudFormation, report the outcome to the stack."""
    if custom_resource.is_request(event):
        return custom_resource.answer(event, lambda: apply_migrations(retry_for_seconds=PROXY_START_SECONDS))
    return apply_migrations()


def apply_migrations(retry_for_seconds: float = 0) -> dict[str, Any]:
    """Apply the missing migrations as the owner of the schema, and create the first admin.

    Read both logins first: an unreadable secret must not wait for a database that may still be starting.
    """
    owner_login, application_login = settings.database_owner_conninfo(), settings.database_conninfo()
    with connect(owner_login, retry_for_seconds=retry_for_seconds) as owner:
        outcome = migrate.migrate(owner, application_login)
        accounts.create_first(owner, settings.first_admin)
        return outcome
