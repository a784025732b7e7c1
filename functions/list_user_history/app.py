"""GET /user/{user_id}/history: the operations of a user, as JSON or CSV."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from segmentation.api.openapi import JSON_OR_CSV
from segmentation.api.parameters import (
    DEFAULT_LIMIT,
    FIRST_INSTANT,
    LAST_INSTANT,
    Accept,
    From,
    HistoryCursor,
    Limit,
    SlugInQuery,
    To,
    UserIdInPath,
)
from segmentation.api.resolver import Api
from segmentation.database.readers import get_read_connection
from segmentation.domain import history

app = Api()
handler = app.resolve


@app.get("/user/<user_id>/history", responses=JSON_OR_CSV)
def list_user_history(
    user_id: UserIdInPath,
    since: From = FIRST_INSTANT,
    until: To = LAST_INSTANT,
    slug: SlugInQuery = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: HistoryCursor = "",
    accept: Accept = "application/json",
) -> Response[Any]:
    """List a user's operations, oldest first. The Link header of a CSV page leads to the next page."""
    page = history.list_for_user(
        get_read_connection(), user_id, since=since, until=until, slug=slug, after=cursor, limit=limit
    )
    return app.json_or_csv(accept, page, history.as_csv)
