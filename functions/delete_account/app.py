"""DELETE /account/{username}: delete an account."""

from segmentation.access import account_management
from segmentation.api.parameters import UsernameInPath
from segmentation.api.resolver import Api
from segmentation.contract.problems import AccountUnknown, LastAdmin, raises
from segmentation.contract.responses import Done
from segmentation.database.connection import get_connection

app = Api()
handler = app.resolve


@app.delete("/account/<username>")
@raises(AccountUnknown, LastAdmin)
def delete_account(username: UsernameInPath) -> Done:
    """Delete an account. Its tokens end within a minute."""
    account_management.delete(get_connection(), username)
    return Done()
