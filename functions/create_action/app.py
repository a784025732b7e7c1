"""POST /action: create a custom action."""

from segmentation.api.resolver import Api
from segmentation.contract.problems import ActionTaken, raises
from segmentation.contract.requests import NewAction
from segmentation.contract.responses import Action
from segmentation.database.connection import get_connection
from segmentation.domain import actions

app = Api()
handler = app.resolve


@app.post("/action", status_code=201)
@raises(ActionTaken)
def create_action(body: NewAction) -> Action:
    """Create an action that can be recorded for users."""
    return actions.create(get_connection(), body.name)
