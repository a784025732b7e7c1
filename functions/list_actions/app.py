"""GET /action: the actions, ordered by name."""

from segmentation.api.parameters import DEFAULT_LIMIT, ActionCursor, Limit
from segmentation.api.resolver import Api
from segmentation.contract.responses import ActionPage
from segmentation.database.readers import get_read_connection
from segmentation.domain import actions

app = Api()
handler = app.resolve


@app.get("/action")
def list_actions(limit: Limit = DEFAULT_LIMIT, cursor: ActionCursor = "") -> ActionPage:
    """List the built-in and custom actions, ordered by name."""
    return actions.list_actions(get_read_connection(), after=cursor, limit=limit)
