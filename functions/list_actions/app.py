"""GET /action: the actions that a history may hold, in order of name."""

from segmentation.api.parameters import DEFAULT_LIMIT, ActionCursor, Limit
from segmentation.api.resolver import Api
from segmentation.contract.responses import ActionPage
from segmentation.database.connection import get_connection
from segmentation.domain import actions

app = Api()
handler = app.resolve


@app.get("/action")
def list_actions(limit: Limit = DEFAULT_LIMIT, cursor: ActionCursor = "") -> ActionPage:
    """List the actions, in order of name."""
    return actions.list_actions(get_connection(), after=cursor, limit=limit)
