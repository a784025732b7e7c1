"""POST /auth/sign-up: create an account."""

from segmentation import accounts
from segmentation.api import Api
from segmentation.database import connection
from segmentation.problems import UsernameTaken, answers
from segmentation.requests import NewAccount
from segmentation.responses import AccountRef

app = Api()
handler = app.resolve


@app.post("/auth/sign-up", status_code=201)
@answers(UsernameTaken)
def sign_up(body: NewAccount) -> AccountRef:
    """Create an account that can then sign in."""
    return accounts.create(connection(), body)
