"""Issue and verify our own tokens: short-lived, and verified without the database."""

import logging
import time
import uuid
from typing import Any, NamedTuple

import jwt

from segmentation.access import signing_keys
from segmentation.access.permissions import Caller
from segmentation.contract.problems import SigningKeyUnavailable
from segmentation.contract.roles import ROLES, Role
from segmentation.runtime import settings
from segmentation.runtime.secrets_manager import SecretUnreadable

ISSUER = "urn:segmentation"
AUDIENCE = "urn:segmentation:api"
ALGORITHM = "HS256"
LEEWAY_SECONDS = 5
"""The largest difference between the clocks of two functions."""

_REQUIRED = ["iss", "aud", "sub", "role", "iat", "nbf", "exp", "jti"]
_log = logging.getLogger(__name__)  # not Powertools' Logger: the authorizer imports this module


class Issued(NamedTuple):
    """A new token, and its lifetime in seconds."""

    token: str
    expires_in: int


class TokenRefused(Exception):
    """The token is invalid. The reason is for the log only."""


def issue(subject: str, role: Role, generation: str) -> Issued:
    """Sign a token for an authenticated account. Raises SigningKeyUnavailable."""
    lifetime = settings.token_seconds()
    now = int(time.time())
    claims = {
        **{"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "role": role, "generation": generation},
        **{"iat": now, "nbf": now, "exp": now + lifetime, "jti": uuid.uuid4().hex},
    }
    key_id, key = _current_key()
    return Issued(jwt.encode(claims, key, ALGORITHM, {"kid": key_id}), lifetime)


def _current_key() -> tuple[str, str]:
    try:
        return signing_keys.current()
    except SecretUnreadable as error:
        _log.warning("the signing keys cannot be read: %s", error)
        raise SigningKeyUnavailable() from error


def verify(token: str, header: dict[str, Any]) -> Caller:
    """Return the caller that one of our own tokens was issued to. Raises TokenRefused, jwt.PyJWTError.

    The algorithm is fixed, so a token cannot make a public key serve as our secret.
    """
    key = signing_keys.find(header.get("kid"))
    if key is None:
        raise TokenRefused("unknown key")
    claims = jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        issuer=ISSUER,
        audience=AUDIENCE,
        leeway=LEEWAY_SECONDS,
        options={"require": _REQUIRED, "enforce_minimum_key_length": True},
    )
    if claims["role"] not in ROLES:
        raise TokenRefused("unknown role")
    return Caller(claims["sub"], claims["role"], int(claims["exp"]) + LEEWAY_SECONDS, claims.get("generation", ""))
