"""GET /segment/user/{user_id}: the segments that a user is in now."""

from segmentation.contract.problems import AnswerTooLarge, answers
from segmentation.contract.responses import UserSegments
from segmentation.database.connection import get_connection
from segmentation.domain import memberships
from segmentation.hot_api import HotApi
from segmentation.parameters import UserIdInPath

app = HotApi()
handler = app.resolve


@app.get("/segment/user/<user_id>")
@answers(AnswerTooLarge)
def list_memberships(user_id: UserIdInPath) -> UserSegments:
    """List a user's segments, in order of slug; none for an unknown user."""
    return memberships.list_for_user(get_connection(), user_id)
