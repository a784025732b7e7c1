"""POST /auth/sign-in: a token for a username and its password."""

from aws_lambda_powertools.event_handler import Response, content_types

from segmentation.access import sign_in as access
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
    """Issue a token. No cache may store it."""
    token = access.sign_in(get_connection(), body)
    return Response(200, content_types.APPLICATION_JSON, token, {"Cache-Control": "no-store"})
