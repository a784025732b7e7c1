"""POST /segment/user: add a user to segments and remove the user from others, all or nothing."""

from segmentation.api.fast_path import FastPathApi
from segmentation.contract.problems import SegmentUnknown, raises
from segmentation.contract.requests import MembershipChange
from segmentation.contract.responses import MembershipsChanged
from segmentation.database.connection import get_connection
from segmentation.domain import memberships

app = FastPathApi()
handler = app.resolve


@app.post("/segment/user")
@raises(SegmentUnknown)
def change_memberships(body: MembershipChange) -> MembershipsChanged:
    """Change a user's memberships. The counts are of real changes only."""
    return memberships.change(get_connection(), body, actor=app.actor)
