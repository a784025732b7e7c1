"""POST /segment/{slug}/export: order a file with the members of a segment, as a job."""

from segmentation.api.openapi import JOB_BEGUN
from segmentation.api.parameters import SlugInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, raises
from segmentation.contract.requests import NewExport
from segmentation.contract.responses import JobRef
from segmentation.database.connection import get_connection
from segmentation.reports import segment_export

app = Api()
handler = app.resolve


@app.post("/segment/<slug>/export", status_code=202, responses=JOB_BEGUN)
@raises(SegmentUnknown)
def create_export(slug: SlugInPath, body: NewExport | None = None) -> JobRef:
    """Export the members of a segment at one instant, as a job."""
    return segment_export.create(get_connection(), slug, body or NewExport(), actor=app.actor)
