"""GET /segment/{slug}: one segment, with the number of its active members."""

from segmentation.api.parameters import SlugInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, raises
from segmentation.contract.responses import SegmentWithMembers
from segmentation.database.readers import get_read_connection
from segmentation.domain import segments

app = Api()
handler = app.resolve


@app.get("/segment/<slug>")
@raises(SegmentUnknown)
def get_segment(slug: SlugInPath) -> SegmentWithMembers:
    """Return a segment with the exact number of its active members."""
    return segments.get(get_read_connection(), slug)
