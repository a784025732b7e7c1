"""POST /auth/password: change the caller's own password."""

from segmentation.access import own_password
from segmentation.api.resolver import Api
from segmentation.contract.problems import AccountUnknown, CredentialsWrong, TooManyFailures, raises
from segmentation.contract.requests import PasswordChange
from segmentation.contract.responses import Done
from segmentation.database.connection import get_connection

app = Api()
handler = app.resolve


@app.post("/auth/password")
@raises(AccountUnknown, CredentialsWrong, TooManyFailures)
def change_password(body: PasswordChange) -> Done:
    """Change the caller's own password. The tokens of the account end within a minute."""
    own_password.change(get_connection(), app.caller, body)
    return Done()
