"""POST /user/{user_id}/history: record a custom action of a user."""

from segmentation.api.parameters import UserIdInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import ActionUnknown, SegmentUnknown, UserUnknown, raises
from segmentation.contract.requests import NewOperation
from segmentation.contract.responses import Operation
from segmentation.database.connection import get_connection
from segmentation.domain import history

app = Api()
handler = app.resolve


@app.post("/user/<user_id>/history", status_code=201)
@raises(UserUnknown, SegmentUnknown, ActionUnknown)
def record_action(user_id: UserIdInPath, body: NewOperation) -> Operation:
    """Record a custom action of a user in a segment, for example an exposure or a conversion."""
    return history.record(get_connection(), user_id, body, actor=app.actor)
