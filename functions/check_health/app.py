"""GET /health: the state of the service and its database."""

from segmentation.api.resolver import Api
from segmentation.contract.responses import Health
from segmentation.database import migrate, readers
from segmentation.database.connection import get_connection

app = Api()
handler = app.resolve


@app.page("/health")
def check_health() -> Health:
    """Read the schema version from the database. 503 if the database does not answer.

    A deployment with readers reports their state, too. While they are away, the database answers for them.
    """
    return migrate.health(get_connection(), readers.state())
