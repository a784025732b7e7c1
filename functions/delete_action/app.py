"""DELETE /action: delete a custom action that the history does not use."""

from segmentation.api.resolver import Api
from segmentation.contract.problems import ActionKept, ActionUnknown, raises
from segmentation.contract.requests import ActionRef
from segmentation.contract.responses import Done
from segmentation.database.connection import get_connection
from segmentation.domain import actions

app = Api()
handler = app.resolve


@app.delete("/action")
@raises(ActionUnknown, ActionKept)
def delete_action(body: ActionRef) -> Done:
    """Delete an action that is neither built in nor used."""
    actions.delete(get_connection(), body.name)
    return Done()
