"""Admission: a request reaches its handler only with the role of its route, and with an account that still stands."""

from collections.abc import Mapping
from typing import Any

from segmentation.access import permissions, standing
from segmentation.database.connection import get_connection


def admit(request: Mapping[str, Any]) -> None:
    """Admit a request. Raises Unauthenticated, RoleTooLow, or an error of the database.

    The account comes first: a token of a former role is no longer valid, whatever that role permitted.
    """
    route_key = request["routeKey"]
    if needed := permissions.required_role(route_key):
        caller = permissions.caller(request)
        standing.check(caller, get_connection)
        permissions.check(caller.role, route_key, needed)
