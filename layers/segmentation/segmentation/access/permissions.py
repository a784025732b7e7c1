"""Permissions: the role that each route requires, and the caller that the authorizer identified."""

import time
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from segmentation.contract.problems import RoleTooLow, Unauthenticated
from segmentation.contract.roles import ROLES, Role

_PUBLIC_PAGES = ("/", "/health", "/console", "/docs", "/openapi.json", "/swagger/index.html")
PUBLIC = frozenset(
    {"POST /auth/sign-in", "$default", *(f"{method} {page}" for page in _PUBLIC_PAGES for method in ("GET", "HEAD"))}
)
"""The routes without a token.

`$default` answers requests that no route matches. Browsers send preflights without a token, and a public path with a
final slash is redirected without one.
"""

_READER_ROUTES = frozenset(
    {
        "POST /segment/user/batch",
        "POST /segment/{slug}/export",
        "POST /report",
        "POST /auth/password",
        "POST /ofrep/v1/evaluate/flags",
        "POST /ofrep/v1/evaluate/flags/{key}",
    }
)
_EDITOR_ROUTES = frozenset(
    {
        "POST /segment",
        "PATCH /segment/{slug}",
        "DELETE /segment",
        "DELETE /segment/{slug}",
        "POST /segment/{slug}/users",
        "POST /segment/{slug}/schedule",
        "DELETE /segment/{slug}/schedule",
        "POST /segment/user",
        "PATCH /segment/user/{user_id}/{slug}",
        "POST /user/{user_id}/history",
        "POST /import",
        "POST /import/{import_id}",
        "POST /action",
        "DELETE /action",
    }
)
_ADMIN_READS = frozenset({"GET /account", "GET /user/{user_id}/export"})


class Caller(NamedTuple):
    """The caller of a request, as the authorizer read it from the token."""

    subject: str
    role: Role
    expires_at: int
    """Unix time, in seconds, at which the token expires."""

    generation: str | None = None
    """The generation of the account that the token was issued to, or None if the caller has no account here.

    Tokens of release 1.0 have none: the text is empty.
    """


@cache
def required_role(route_key: str) -> Role | None:
    """Return the lowest role that a route permits, or None for a public route.

    A route that is not listed here requires the role admin, unless it is a GET.
    """
    if route_key in PUBLIC:
        return None
    if route_key in _READER_ROUTES or (route_key.startswith("GET ") and route_key not in _ADMIN_READS):
        return "reader"
    return "editor" if route_key in _EDITOR_ROUTES else "admin"


def caller(request: Mapping[str, Any]) -> Caller:
    """Return the caller from an event's requestContext. Raises Unauthenticated.

    API Gateway caches the authorizer's answer, so the token's expiry is checked again.
    """
    found = _context(request)
    if not found or int(found["expires_at"]) <= time.time():
        raise Unauthenticated()
    return Caller(found["subject"], found["role"], int(found["expires_at"]), found.get("generation"))


def subject(request: Mapping[str, Any]) -> str | None:
    """Return the subject that the authorizer identified, or None. Its token may have expired meanwhile."""
    return _context(request).get("subject")


def _context(request: Mapping[str, Any]) -> dict[str, Any]:
    return (request.get("authorizer") or {}).get("lambda") or {}


def check(role: str, route_key: str, needed: Role) -> None:
    """Raise RoleTooLow unless a role includes the one that a route needs."""
    if role not in ROLES or ROLES.index(role) < ROLES.index(needed):
        raise RoleTooLow(f"{route_key} requires the role {needed}. The token has the role {role}.")
