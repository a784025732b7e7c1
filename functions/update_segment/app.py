"""PATCH /segment/{slug}: change a segment's slug, description or percent."""

from aws_lambda_powertools.event_handler import Response

from segmentation.api.openapi import CHANGED_NOW_OR_BY_JOB
from segmentation.api.parameters import SlugInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, SlugTaken, raises
from segmentation.contract.requests import SegmentChange
from segmentation.contract.responses import SegmentChanged, SegmentChangedByJob
from segmentation.database.connection import get_connection
from segmentation.domain import segments

app = Api()
handler = app.resolve


@app.patch("/segment/<slug>", responses=CHANGED_NOW_OR_BY_JOB)
@raises(SegmentUnknown, SlugTaken)
def update_segment(slug: SlugInPath, body: SegmentChange) -> Response[SegmentChangedByJob | SegmentChanged]:
    """Change the members that the body names. 202 if a job enrols or releases the users of the new percent."""
    return app.answer(segments.update(get_connection(), slug, body, actor=app.actor))
