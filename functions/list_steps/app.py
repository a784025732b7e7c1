"""GET /segment/{slug}/schedule: the planned and past steps of a segment, in order of time."""

from segmentation.api.parameters import DEFAULT_LIMIT, HistoryCursor, Limit, SlugInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, raises
from segmentation.contract.responses import StepPage
from segmentation.database.readers import get_read_connection
from segmentation.domain import schedule

app = Api()
handler = app.resolve


@app.get("/segment/<slug>/schedule")
@raises(SegmentUnknown)
def list_steps(slug: SlugInPath, limit: Limit = DEFAULT_LIMIT, cursor: HistoryCursor = "") -> StepPage:
    """List the steps of a segment in order of time, past ones too."""
    return schedule.list_steps(get_read_connection(), slug, after=cursor, limit=limit)
