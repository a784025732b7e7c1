"""DELETE /segment/{slug}/schedule: cancel the pending steps of a segment."""

from segmentation.api.parameters import SlugInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, raises
from segmentation.contract.responses import StepsCancelled
from segmentation.database.connection import get_connection
from segmentation.domain import schedule

app = Api()
handler = app.resolve


@app.delete("/segment/<slug>/schedule")
@raises(SegmentUnknown)
def cancel_steps(slug: SlugInPath) -> StepsCancelled:
    """Cancel the pending steps of a segment. Past steps stay in the list."""
    return schedule.cancel(get_connection(), slug)
