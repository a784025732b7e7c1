"""GET /metrics: the state of the service, in Prometheus' text format."""

from aws_lambda_powertools.event_handler import Response

from segmentation.api import prometheus
from segmentation.api.openapi import METRICS
from segmentation.api.resolver import Api
from segmentation.database.connection import get_connection
from segmentation.domain import totals

app = Api()
handler = app.resolve


@app.get("/metrics", responses=METRICS)
def show_metrics() -> Response[str]:
    """Return the metrics of the service. Their HELP lines say which may be estimates."""
    return Response(200, prometheus.CONTENT_TYPE, prometheus.render(totals.count_totals(get_connection())))
