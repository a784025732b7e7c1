"""GET /segment: the segments, ordered by slug."""

from segmentation.api.parameters import DEFAULT_LIMIT, Limit, Prefix, SlugCursor
from segmentation.api.resolver import Api
from segmentation.contract.responses import SegmentPage
from segmentation.database.readers import get_read_connection
from segmentation.domain import segments

app = Api()
handler = app.resolve


@app.get("/segment")
def list_segments(limit: Limit = DEFAULT_LIMIT, cursor: SlugCursor = "", prefix: Prefix = "") -> SegmentPage:
    """List the segments, ordered by slug."""
    return segments.list_segments(get_read_connection(), prefix=prefix, after=cursor, limit=limit)
