"""GET /segment/{slug}/size: the size of a segment by day."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from segmentation.api.openapi import SIZE
from segmentation.api.parameters import FromDay, SlugInPath, ToDay
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, raises
from segmentation.database.readers import get_read_connection
from segmentation.domain import sizes

app = Api()
handler = app.resolve


@app.get("/segment/<slug>/size", responses=SIZE)
@raises(SegmentUnknown)
def show_segment_size(slug: SlugInPath, since: FromDay = None, until: ToDay = None) -> Response[Any]:
    """Return the members at the end of each day (UTC), and the entries and exits of that day."""
    return app.fresh(sizes.list_days(get_read_connection(), slug, since=since, until=until), "")
