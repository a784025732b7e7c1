"""Requests that no route matches, and that are answered by more than 404."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

_ONE_FINAL_SLASH = re.compile(r"((?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+)/")
"""No empty path segment: `//host` would lead to another host. No backslash: browsers read it as a slash."""

_KEPT_IN_A_QUERY = "%/?:@!$&'()*+,;=-._~"


def without_final_slash(event: Mapping[str, Any]) -> str | None:
    """Return the address of a request without the final slash of its path. Return None unless there is one such slash.

    The address is a path with the query string, so it stays on the same host.
    """
    found = _ONE_FINAL_SLASH.fullmatch(event["rawPath"])
    if found is None:
        return None
    query = quote(event["rawQueryString"], safe=_KEPT_IN_A_QUERY, errors="replace")
    return f"{found[1]}?{query}" if query else found[1]


def is_preflight(event: Mapping[str, Any]) -> bool:
    """Return whether a browser asks if a page of another origin may send a request.

    API Gateway adds the headers that permit it, if the parameter CorsOrigins names the origin. It needs a 2xx status.
    """
    asks = "access-control-request-method" in event["headers"]
    return asks and event["requestContext"]["http"]["method"] == "OPTIONS"
