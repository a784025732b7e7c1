"""DELETE /segment and DELETE /segment/{slug}: delete a segment and end all its memberships."""

from aws_lambda_powertools.event_handler import Response

from segmentation.api.openapi import DONE_NOW_OR_BY_JOB
from segmentation.api.parameters import SlugInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, raises
from segmentation.contract.requests import SegmentRef
from segmentation.contract.responses import Done, DoneByJob
from segmentation.database.connection import get_connection
from segmentation.domain import segments

app = Api()
handler = app.resolve


@app.delete("/segment", responses=DONE_NOW_OR_BY_JOB)
@raises(SegmentUnknown)
def delete_segment(body: SegmentRef) -> Response[DoneByJob | Done]:
    """Delete the segment that the body names. 202 if a job ends its memberships."""
    return app.answer(segments.delete(get_connection(), body.slug, comment=body.comment, actor=app.actor))


@app.delete("/segment/<slug>", responses=DONE_NOW_OR_BY_JOB)
@raises(SegmentUnknown)
def delete_segment_by_path(slug: SlugInPath) -> Response[DoneByJob | Done]:
    """Delete a segment, for clients that cannot send a body with DELETE. 202 if a job ends its memberships."""
    return app.answer(segments.delete(get_connection(), slug, actor=app.actor))
