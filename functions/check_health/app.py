"""GET /health: whether the service and its database answer."""

from segmentation import schema
from segmentation.api import Api
from segmentation.contract.responses import Health
from segmentation.database import connection

app = Api()
handler = app.resolve


@app.get("/health")
def check_health() -> Health:
    """Ask the database for the version of its schema; 503 where it does not answer."""
    return schema.health(connection())
