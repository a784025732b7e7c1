"""GET /segment/{slug}/history: the change log of a segment, newest first."""

from segmentation.api.parameters import DEFAULT_LIMIT, HistoryCursor, Limit, SlugInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, raises
from segmentation.contract.responses import ChangePage
from segmentation.database.readers import get_read_connection
from segmentation.domain import change_log

app = Api()
handler = app.resolve


@app.get("/segment/<slug>/history")
@raises(SegmentUnknown)
def list_segment_changes(slug: SlugInPath, limit: Limit = DEFAULT_LIMIT, cursor: HistoryCursor = "") -> ChangePage:
    """List the changes of a segment, newest first, with its creation and its deletion."""
    return change_log.list_changes(get_read_connection(), slug, before=cursor, limit=limit)
