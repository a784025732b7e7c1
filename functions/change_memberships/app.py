"""POST /segment/user: add a user to segments and take the user out of others, all or nothing."""

from segmentation.contract.problems import SegmentUnknown, answers
from segmentation.contract.requests import MembershipChange
from segmentation.contract.responses import MembershipsChanged
from segmentation.database.connection import get_connection
from segmentation.domain import memberships
from segmentation.hot_api import HotApi

app = HotApi()
handler = app.resolve


@app.post("/segment/user")
@answers(SegmentUnknown)
def change_memberships(body: MembershipChange) -> MembershipsChanged:
    """Change a user's memberships and count what really changed."""
    return memberships.change(get_connection(), body, actor=app.actor)
