"""GET /segment/user/{user_id}: the active segments of a user."""

from segmentation.api.fast_path import FastPathApi
from segmentation.api.parameters import UserIdInPath
from segmentation.contract.problems import AnswerTooLarge, raises
from segmentation.contract.responses import UserSegments
from segmentation.database.connection import get_connection
from segmentation.domain import memberships

app = FastPathApi()
handler = app.resolve


@app.get("/segment/user/<user_id>")
@raises(AnswerTooLarge)
def list_memberships(user_id: UserIdInPath) -> UserSegments:
    """List a user's active segments, ordered by slug. An unknown user has none."""
    return memberships.list_for_user(get_connection(), user_id)
