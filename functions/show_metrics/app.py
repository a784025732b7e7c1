"""GET /metrics: the state of the service, for Prometheus to scrape."""

from aws_lambda_powertools.event_handler import Response

from segmentation import exposition
from segmentation.api import Api
from segmentation.database.connection import get_connection
from segmentation.documented import METRICS
from segmentation.domain import totals

app = Api()
handler = app.resolve


@app.get("/metrics", responses=METRICS)
def show_metrics() -> Response[str]:
    """Show what there is in numbers: Prometheus' text format, whose help says which of them may be estimates."""
    return Response(200, exposition.CONTENT_TYPE, exposition.render(totals.take(get_connection())))
