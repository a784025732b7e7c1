"""POST /segment/{slug}/schedule: plan the percents that a segment gets at given instants."""

from segmentation.api.parameters import SlugInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import SegmentUnknown, StepsPending, raises
from segmentation.contract.requests import NewSchedule
from segmentation.contract.responses import StepsPlanned
from segmentation.database.connection import get_connection
from segmentation.domain import schedule

app = Api()
handler = app.resolve


@app.post("/segment/<slug>/schedule", status_code=201)
@raises(SegmentUnknown, StepsPending)
def plan_steps(slug: SlugInPath, body: NewSchedule) -> StepsPlanned:
    """Plan the percents of a segment. Each step changes the percent at its instant, at most a minute late."""
    return schedule.plan(get_connection(), slug, body, actor=app.actor)
