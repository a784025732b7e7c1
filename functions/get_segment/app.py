"""GET /segment/{slug}: one segment, and how many users are in it now."""

from segmentation.api.parameters import SlugInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, raises
from segmentation.contract.responses import SegmentWithMembers
from segmentation.database.connection import get_connection
from segmentation.domain import segments

app = Api()
handler = app.resolve


@app.get("/segment/<slug>")
@raises(SegmentUnknown)
def get_segment(slug: SlugInPath) -> SegmentWithMembers:
    """Show a segment and the exact number of its members."""
    return segments.get(get_connection(), slug)
