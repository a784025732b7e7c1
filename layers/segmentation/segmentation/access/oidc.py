"""Verify tokens of an external OpenID provider, if the deployment names one."""

import functools
from collections.abc import Mapping
from typing import Any

import jwt

from segmentation.access.jwks import KeySet
from segmentation.access.permissions import Caller
from segmentation.access.tokens import TokenRefused
from segmentation.contract.roles import RESERVED_SUBJECTS, ROLES, Role
from segmentation.runtime.settings import OpenIdProvider

MAX_SUBJECT_LENGTH = 255
LEEWAY_SECONDS = 30
"""The largest difference between the clocks of a provider and of this service."""

_REQUIRED = ["iss", "sub", "exp", "iat"]
_OF_ID_TOKENS = {"nonce", "at_hash", "c_hash"}


def verify(token: str, header: dict[str, Any], provider: OpenIdProvider) -> Caller | None:
    """Return the caller that the token identifies, or None if the token has no role of this service.

    The type of the provider's key decides the algorithm. Raises TokenRefused, jwt.PyJWTError.
    """
    key = key_set(provider.issuer).find(header.get("kid"))
    if key is None:
        raise TokenRefused("the provider has no such key")
    claims = jwt.decode(
        token,
        key,
        algorithms=[key.algorithm_name],
        issuer=provider.issuer,
        leeway=LEEWAY_SECONDS,
        options={"require": _REQUIRED, "verify_aud": False, "enforce_minimum_key_length": True},
    )
    if not _is_access_token(claims):
        raise TokenRefused("only an access token grants access; an ID token identifies a person")
    if provider.audience not in _audiences(claims):
        raise TokenRefused("the token is for another audience")
    subject = claims["sub"]
    if not (1 <= len(subject) <= MAX_SUBJECT_LENGTH and subject.isprintable()) or subject in RESERVED_SUBJECTS:
        raise TokenRefused("the subject is not 1 to 255 printable characters, or it is reserved")
    role = _role(claims, provider.role_claim)
    return Caller(subject, role, int(claims["exp"]) + LEEWAY_SECONDS) if role else None


def _is_access_token(claims: Mapping[str, Any]) -> bool:
    """Return whether a token is an access token. Cognito says it in token_use, and Keycloak in typ.

    Keycloak before version 25 puts the nonce of the ID token into the access token too.
    """
    if claims.get("token_use", "access") != "access" or claims.get("typ", "Bearer") != "Bearer":
        return False
    return not claims.keys() & (_OF_ID_TOKENS - {"nonce"} if "typ" in claims else _OF_ID_TOKENS)


def _audiences(claims: Mapping[str, Any]) -> list[Any]:
    """Return the audiences of a token. Access tokens of Cognito have none: their client_id names the client."""
    if "aud" not in claims and claims.get("token_use") == "access":
        return [claims.get("client_id")]
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


@functools.cache
def key_set(issuer: str) -> KeySet:
    """Return the provider's keys. They are cached in this process."""
    return KeySet(issuer)


def _role(claims: Mapping[str, Any], name: str) -> Role | None:
    """Return the highest role in a claim. The claim is a list, or words in a text as in `scope`."""
    found = _claim(claims, name)
    words = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
    return next((role for role in reversed(ROLES) if role in words), None)


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim by its name (which may contain dots), or by its path, as in realm_access.roles."""
    if name in claims:
        return claims[name]
    outer, dot, inner = name.partition(".")
    return _claim(claims[outer], inner) if dot and isinstance(claims.get(outer), dict) else None
