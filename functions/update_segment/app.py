"""PATCH /segment/{slug}: rename or describe a segment."""

from segmentation import segments
from segmentation.api import Api
from segmentation.database import connection
from segmentation.parameters import SlugInPath
from segmentation.requests import SegmentChange
from segmentation.responses import SegmentChanged

app = Api()
handler = app.resolve


@app.patch("/segment/<slug>")
def update_segment(slug: SlugInPath, body: SegmentChange) -> SegmentChanged:
    """Change a segment; what the body does not name stays."""
    return segments.update(connection(), slug, body)
