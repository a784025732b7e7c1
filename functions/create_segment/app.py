"""POST /segment: create a segment."""

from segmentation import segments
from segmentation.api import Api
from segmentation.database import connection
from segmentation.requests import NewSegment
from segmentation.responses import SegmentCreated

app = Api()
handler = app.resolve


@app.post("/segment", status_code=201)
def create_segment(body: NewSegment) -> SegmentCreated:
    """Create a segment."""
    return segments.create(connection(), body)
