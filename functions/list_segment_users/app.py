"""GET /segment/{slug}/users: the active members of a segment, ordered by user id."""

from segmentation.api.parameters import DEFAULT_LIMIT, Limit, SlugInPath, UserCursor
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, raises
from segmentation.contract.responses import MemberPage
from segmentation.database.readers import get_read_connection
from segmentation.domain import segments

app = Api()
handler = app.resolve


@app.get("/segment/<slug>/users")
@raises(SegmentUnknown)
def list_segment_users(slug: SlugInPath, limit: Limit = DEFAULT_LIMIT, cursor: UserCursor = 0) -> MemberPage:
    """List the active members of a segment, ordered by user id."""
    return segments.list_members(get_read_connection(), slug, after=cursor, limit=limit)
