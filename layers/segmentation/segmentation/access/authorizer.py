"""The authorizer: whose token a request carries, before any other function sees the request."""

import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import jwt

from segmentation.access import oidc, tokens
from segmentation.access.permissions import Caller
from segmentation.access.tokens import TokenRefused

MAX_TOKEN_LENGTH = 8192
_log = logging.getLogger(__name__)  # the standard library's: a cold authorizer delays every first request


class Unauthorized(Exception):
    """There is no good token; API Gateway answers 401 to an authorizer that fails with this very message."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def authorize(event: Mapping[str, Any]) -> dict[str, Any]:
    """Answer API Gateway (payload format 2.0, simple responses); raises Unauthorized.

    The answer does not depend on the route, because it is kept for the token: what a role may do is decided by
    the function of each route.
    """
    try:
        caller = _caller(_bearer(event["headers"].get("authorization", "")))
    except (TokenRefused, jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
        # PyJWT repeats parts of the token, which its sender could otherwise make lines of this log of
        _log.warning("token refused: %s: %.200r", type(error).__name__, str(error))
        raise Unauthorized() from None
    if caller is None:
        return {"isAuthorized": False}
    return {"isAuthorized": True, "context": asdict(caller)}


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or len(token) > MAX_TOKEN_LENGTH:
        raise TokenRefused("not a bearer token, or too long")
    return token.strip()


def _caller(token: str) -> Caller | None:
    """Return who holds the token, or None for somebody known who has no role here.

    What the token says of its issuer only chooses whose keys to try.
    """
    unverified = jwt.decode_complete(token, options={"verify_signature": False})
    issuer = unverified["payload"].get("iss")
    if issuer == tokens.ISSUER:
        return tokens.verify(token, unverified["header"])
    if issuer and issuer == os.environ.get("OIDC_ISSUER"):
        return oidc.verify(token, unverified["header"])
    raise TokenRefused("unknown issuer")
