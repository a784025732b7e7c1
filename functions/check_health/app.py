"""GET /health: whether the service and its database answer."""

from segmentation.api.resolver import Api
from segmentation.contract.responses import Health
from segmentation.database import migrate
from segmentation.database.connection import get_connection

app = Api()
handler = app.resolve


@app.get("/health")
def check_health() -> Health:
    """Ask the database for the version of its schema; 503 where it does not answer."""
    return migrate.health(get_connection())
