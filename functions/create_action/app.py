"""POST /action: create an action of the company's own."""

from segmentation import actions
from segmentation.api import Api
from segmentation.database import connection
from segmentation.problems import ActionTaken, answers
from segmentation.requests import NewAction
from segmentation.responses import Action

app = Api()
handler = app.resolve


@app.post("/action", status_code=201)
@answers(ActionTaken)
def create_action(body: NewAction) -> Action:
    """Create an action that can then be recorded for users."""
    return actions.create(connection(), body.name)
