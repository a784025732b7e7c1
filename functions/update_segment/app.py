"""PATCH /segment/{slug}: rename or describe a segment."""

from segmentation import segments
from segmentation.api import Api
from segmentation.database import connection
from segmentation.models import SegmentChange, SegmentChanged
from segmentation.parameters import SlugInPath

app = Api()
handler = app.resolve


@app.patch("/segment/<slug>")
def update_segment(slug: SlugInPath, body: SegmentChange) -> SegmentChanged:
    """Change a segment; what the body does not name stays."""
    return segments.update(connection(), slug, body)
