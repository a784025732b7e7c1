"""GET /segment/user/{user_id}/{slug}: why a user is in a segment or not, now or at an instant."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from segmentation.api.openapi import EXPLAINED
from segmentation.api.parameters import At, IfNoneMatch, SlugInPath, UserIdInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import InstantUnsettled, SegmentUnknown, raises
from segmentation.database.readers import get_read_connection
from segmentation.domain import evidence

app = Api()
handler = app.resolve


@app.get("/segment/user/<user_id>/<slug>", responses=EXPLAINED)
@raises(SegmentUnknown, InstantUnsettled)
def explain_membership(
    user_id: UserIdInPath, slug: SlugInPath, at: At = None, if_none_match: IfNoneMatch = ""
) -> Response[Any]:
    """Say why a user is in a segment or not, with the last ten operations."""
    return app.fresh(evidence.explain(get_read_connection(), user_id, slug, at), if_none_match)
