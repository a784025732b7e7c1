"""The authorizer: verify the token of a request before any other function gets the request."""

import logging
from collections.abc import Mapping
from typing import Any

import jwt

from segmentation.access import oidc, tokens
from segmentation.access.permissions import Caller
from segmentation.access.tokens import TokenRefused
from segmentation.runtime import settings

MAX_TOKEN_LENGTH = 8192
_log = logging.getLogger(__name__)  # not Powertools' Logger: its import would delay the first request of every client


class Unauthorized(Exception):
    """There is no valid token. API Gateway answers 401 if an authorizer fails with exactly this message."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def authorize(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer that API Gateway expects (payload format 2.0, simple responses). Raises Unauthorized.

    The answer does not depend on the route, because API Gateway caches it by token. The function of each route
    decides what a role permits, and whether the account still stands.
    """
    try:
        caller = _caller(_bearer(event["headers"].get("authorization", "")))
    except (TokenRefused, jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
        # repr: PyJWT quotes the token, so its sender could otherwise forge log lines
        _log.warning("token refused: %s: %.200r", type(error).__name__, str(error))
        raise Unauthorized() from None
    if caller is None:
        return {"isAuthorized": False}
    return {"isAuthorized": True, "context": {k: value for k, value in caller._asdict().items() if value is not None}}


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or len(token) > MAX_TOKEN_LENGTH:
        raise TokenRefused("not a bearer token, or too long")
    return token.strip()


def _caller(token: str) -> Caller | None:
    """Return the caller that the token identifies, or None if the caller is known but has no role.

    The unverified issuer only selects the keys that verify the token.
    """
    unverified = jwt.decode_complete(token, options={"verify_signature": False})
    issuer = unverified["payload"].get("iss")
    if issuer == tokens.ISSUER:
        return tokens.verify(token, unverified["header"])
    provider = settings.openid_provider()
    if provider and issuer == provider.issuer:
        return oidc.verify(token, unverified["header"], provider)
    raise TokenRefused("unknown issuer")
