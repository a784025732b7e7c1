"""GET /segment/user/{user_id}: the active segments of a user, now or at an instant."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from segmentation.api.fast_path import FastPathApi
from segmentation.api.openapi import FRESH_SEGMENTS
from segmentation.api.parameters import At, IfNoneMatch, UserIdInPath
from segmentation.contract.problems import AnswerTooLarge, InstantUnsettled, raises
from segmentation.database.readers import get_read_connection, get_read_cursor
from segmentation.domain import as_of, memberships

app = FastPathApi()
handler = app.resolve


@app.get("/segment/user/<user_id>", responses=FRESH_SEGMENTS)
@raises(AnswerTooLarge, InstantUnsettled)
def list_memberships(user_id: UserIdInPath, at: At = None, if_none_match: IfNoneMatch = "") -> Response[Any]:
    """List a user's active segments, ordered by slug, now or as they were at a past instant.

    An unknown user has none. added_at is null only for a past instant, if the month of the entry was dropped.
    """
    if at is None:
        return app.fresh(memberships.list_for_user(get_read_cursor(), user_id), if_none_match)
    return app.fresh(as_of.list_for_user(get_read_connection(), user_id, at), if_none_match)
