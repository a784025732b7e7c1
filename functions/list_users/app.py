"""GET /user: the users, ordered by id."""

from segmentation.api.parameters import DEFAULT_LIMIT, Limit, UserCursor
from segmentation.api.resolver import Api
from segmentation.contract.responses import UserPage
from segmentation.database.readers import get_read_connection
from segmentation.domain import users

app = Api()
handler = app.resolve


@app.get("/user")
def list_users(limit: Limit = DEFAULT_LIMIT, cursor: UserCursor = 0) -> UserPage:
    """List the users, ordered by id."""
    return users.list_users(get_read_connection(), after=cursor, limit=limit)
