"""Who may do what: the role that each route needs, and what the authorizer says about a caller."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segmentation.contract.problems import RoleTooLow, Unauthenticated
from segmentation.contract.roles import ROLES, Role

PUBLIC = frozenset({"GET /health", "GET /docs", "GET /openapi.json", "POST /auth/sign-in"})
_OF_READERS = frozenset({"POST /segment/user/batch", "$default"})
_OF_EDITORS = frozenset(
    {
        "POST /segment",
        "PATCH /segment/{slug}",
        "DELETE /segment",
        "DELETE /segment/{slug}",
        "POST /segment/user",
        "PATCH /segment/user/{user_id}/{slug}",
        "POST /user/{user_id}/history",
        "POST /action",
        "DELETE /action",
        "POST /report",
    }
)


@dataclass(frozen=True)
class Caller:
    """Who makes a request, as the authorizer found it in the token."""

    subject: str
    role: Role
    expires_at: int
    """The second of Unix time from which the token is no longer good."""


def required_role(route_key: str) -> Role | None:
    """Return the least role that a route takes, or None where it takes anybody.

    A route that nobody thought of is the admins', unless it only reads.
    """
    if route_key in PUBLIC:
        return None
    if route_key in _OF_READERS or route_key.startswith("GET "):
        return "reader"
    return "editor" if route_key in _OF_EDITORS else "admin"


def caller(request: Mapping[str, Any]) -> Caller:
    """Return who makes the request of an event's requestContext; raises Unauthenticated.

    API Gateway keeps the authorizer's answer for a while, so that the token's end has to be looked at again.
    """
    found = (request.get("authorizer") or {}).get("lambda")
    if not found or int(found["expires_at"]) <= time.time():
        raise Unauthenticated()
    return Caller(found["subject"], found["role"], int(found["expires_at"]))


def admit(request: Mapping[str, Any]) -> None:
    """Let a request pass that its route is open to; raises Unauthenticated, RoleTooLow."""
    route_key = request["routeKey"]
    needed = required_role(route_key)
    if needed is None:
        return
    role = caller(request).role
    if role not in ROLES or ROLES.index(role) < ROLES.index(needed):
        raise RoleTooLow(f"{route_key} takes the role {needed}; the token has {role}.")
