"""POST /auth/sign-up: create an account."""

from segmentation.access import accounts
from segmentation.api.resolver import Api
from segmentation.contract.problems import UsernameTaken, raises
from segmentation.contract.requests import NewAccount
from segmentation.contract.responses import AccountRef
from segmentation.database.connection import get_connection

app = Api()
handler = app.resolve


@app.post("/auth/sign-up", status_code=201)
@raises(UsernameTaken)
def sign_up(body: NewAccount) -> AccountRef:
    """Create an account that can sign in."""
    return accounts.create(get_connection(), body)
