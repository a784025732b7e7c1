"""Admission: a request reaches its handler only with the role of its route, and with an account that still stands."""

from collections.abc import Mapping
from typing import Any

from segmentation.access import permissions, standing
from segmentation.database.connection import get_connection


def admit(request: Mapping[str, Any]) -> None:
    """Admit a request. Raises Unauthenticated, RoleTooLow, or an error of the database.

    The account comes first: a token of a former role is no longer valid, whatever that role permitted.
    """
    if permissions.required_role(request["routeKey"]):
        standing.check(permissions.caller(request), get_connection)
    permissions.admit(request)
