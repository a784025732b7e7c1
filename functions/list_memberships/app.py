"""GET /segment/user/{user_id}: the active segments of a user."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from segmentation.api.fast_path import FastPathApi
from segmentation.api.openapi import FRESH_SEGMENTS
from segmentation.api.parameters import IfNoneMatch, UserIdInPath
from segmentation.contract.problems import AnswerTooLarge, raises
from segmentation.database.connection import get_cursor
from segmentation.domain import memberships

app = FastPathApi()
handler = app.resolve


@app.get("/segment/user/<user_id>", responses=FRESH_SEGMENTS)
@raises(AnswerTooLarge)
def list_memberships(user_id: UserIdInPath, if_none_match: IfNoneMatch = "") -> Response[Any]:
    """List a user's active segments, ordered by slug. An unknown user has none."""
    return app.fresh(memberships.list_for_user(get_cursor(), user_id), if_none_match)
