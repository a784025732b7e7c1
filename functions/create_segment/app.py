"""POST /segment: create a segment."""

from aws_lambda_powertools.event_handler import Response

from segmentation.api.openapi import CREATED_NOW_OR_BY_JOB
from segmentation.api.resolver import Api
from segmentation.contract.problems import SlugTaken, raises
from segmentation.contract.requests import NewSegment
from segmentation.contract.responses import SegmentCreated, SegmentCreatedByJob
from segmentation.database.connection import get_connection
from segmentation.domain import segments

app = Api()
handler = app.resolve


@app.post("/segment", status_code=201, responses=CREATED_NOW_OR_BY_JOB)
@raises(SlugTaken)
def create_segment(body: NewSegment) -> Response[SegmentCreatedByJob | SegmentCreated]:
    """Create a segment: 201, or 202 if a job enrols the users of its percent."""
    return app.answer(segments.create(get_connection(), body, actor=app.actor), status=201)
