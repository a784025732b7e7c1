"""GET /event: the feed of all changes, in an order that never changes and without gaps."""

from aws_lambda_powertools.event_handler import Response

from segmentation.api.fast_path import FastPathApi
from segmentation.api.openapi import EVENTS
from segmentation.api.parameters import DEFAULT_LIMIT, AfterEvent, Limit
from segmentation.contract.responses import JSON
from segmentation.database.readers import get_read_connection
from segmentation.domain import feed

app = FastPathApi()
handler = app.resolve


@app.get("/event", responses=EVENTS)
def list_events(after: AfterEvent = 0, limit: Limit = DEFAULT_LIMIT) -> Response[str]:
    """List the events after one, oldest first. Pass next_after back as after to get the next page."""
    return Response(200, JSON, feed.list_events(get_read_connection(), after=after, limit=limit))
