"""POST /segment/{slug}/users: add users to a segment and remove others, all or nothing."""

from segmentation.api.parameters import SlugInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, raises
from segmentation.contract.requests import SegmentUsersChange
from segmentation.contract.responses import SegmentUsersChanged
from segmentation.database.connection import get_connection
from segmentation.domain import segment_users

app = Api()
handler = app.resolve


@app.post("/segment/<slug>/users")
@raises(SegmentUnknown)
def change_segment_users(slug: SlugInPath, body: SegmentUsersChange) -> SegmentUsersChanged:
    """Change the users of a segment. The counts are of real changes only."""
    return segment_users.change(get_connection(), slug, body, actor=app.actor)
