"""GET /account: the accounts, ordered by username."""

from segmentation.access import account_management
from segmentation.api.parameters import DEFAULT_LIMIT, Limit, UsernameCursor
from segmentation.api.resolver import Api
from segmentation.contract.responses import AccountPage
from segmentation.database.connection import get_connection

app = Api()
handler = app.resolve


@app.get("/account")
def list_accounts(limit: Limit = DEFAULT_LIMIT, cursor: UsernameCursor = "") -> AccountPage:
    """List the accounts, ordered by username."""
    return account_management.list_accounts(get_connection(), after=cursor, limit=limit)
