"""GET /metrics: the state of the service, for Prometheus to scrape."""

from aws_lambda_powertools.event_handler import Response

from segmentation import census, exposition
from segmentation.api import Api
from segmentation.database import connection

app = Api()
handler = app.resolve


@app.get("/metrics")
def show_metrics() -> Response[str]:
    """Count what there is, in Prometheus' text format; large numbers are estimates and say so."""
    return Response(200, exposition.CONTENT_TYPE, exposition.render(census.take(connection())))
