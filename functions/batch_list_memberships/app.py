"""POST /segment/user/batch: the segments of many users at once."""

from segmentation.api.resolver import Api
from segmentation.contract.problems import AnswerTooLarge, raises
from segmentation.contract.requests import UserBatch
from segmentation.contract.responses import UserBatchSegments
from segmentation.database.readers import get_read_connection
from segmentation.domain import memberships

app = Api()
handler = app.resolve


@app.post("/segment/user/batch")
@raises(AnswerTooLarge)
def batch_list_memberships(body: UserBatch) -> UserBatchSegments:
    """List the slugs of each user's active segments, in the order of the request.

    This route only reads, so it ignores an Idempotency-Key.
    """
    return memberships.list_for_users(get_read_connection(), body.user_ids)
