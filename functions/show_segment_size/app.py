"""GET /segment/{slug}/size: the size of a segment by day."""

from segmentation.api.parameters import FromDay, SlugInPath, ToDay
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, raises
from segmentation.contract.responses import SegmentSize
from segmentation.database.connection import get_connection
from segmentation.domain import sizes

app = Api()
handler = app.resolve


@app.get("/segment/<slug>/size")
@raises(SegmentUnknown)
def show_segment_size(slug: SlugInPath, since: FromDay = None, until: ToDay = None) -> SegmentSize:
    """Return the members at the end of each day (UTC), and the entries and exits of that day."""
    return sizes.list_days(get_connection(), slug, since=since, until=until)
