"""PATCH /account/{username}: give an account another role or password."""

from segmentation.access import account_management
from segmentation.api.parameters import UsernameInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import AccountUnknown, LastAdmin, raises
from segmentation.contract.requests import AccountChange
from segmentation.contract.responses import Account
from segmentation.database.connection import get_connection

app = Api()
handler = app.resolve


@app.patch("/account/<username>")
@raises(AccountUnknown, LastAdmin)
def update_account(username: UsernameInPath, body: AccountChange) -> Account:
    """Change the members that the body names. A new role or password ends the tokens of the account within a minute."""
    return account_management.update(get_connection(), username, body)
