"""POST /auth/sign-in: a token for a username and its password."""

from aws_lambda_powertools.event_handler import Response, content_types

from segmentation.access import accounts, tokens
from segmentation.api.openapi import TOKEN
from segmentation.api.resolver import Api
from segmentation.contract.problems import CredentialsWrong, SigningKeyUnavailable, TooManyFailures, raises
from segmentation.contract.requests import Credentials
from segmentation.contract.responses import Token
from segmentation.database.connection import get_connection

app = Api()
handler = app.resolve


@app.post("/auth/sign-in", responses=TOKEN)
@raises(CredentialsWrong, TooManyFailures, SigningKeyUnavailable)
def sign_in(body: Credentials) -> Response[Token]:
    """Issue a token, which nobody on the way may keep."""
    account = accounts.authenticate(get_connection(), body)
    token, expires_in = tokens.issue(account.username, account.role)
    answer = Token(token=token, expires_in=expires_in)
    return Response(200, content_types.APPLICATION_JSON, answer, {"Cache-Control": "no-store"})
