"""The path of a request, made from the route that API Gateway has chosen."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

DISAGREES = ""
"""The path of a request whose path and parameters disagree. No route has it."""


def routed(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with the path of its route, filled with the path parameters.

    The path then has no mapping key of a domain and no name of a stage before it. API Gateway can decode %3F in a path
    and cut the path there. The parameters then name another resource than the path, and the path becomes DISAGREES.
    """
    _, _, route = event["routeKey"].partition(" ")
    if not route:  # $default
        return dict(event)
    path = route.format_map(defaultdict(str, event.get("pathParameters") or {}))
    context = {**event["requestContext"], "stage": "$default"}  # Powertools would cut the name of a stage off
    return {**event, "rawPath": path if _agree(event["rawPath"], path) else DISAGREES, "requestContext": context}


def _agree(raw: str, path: str) -> bool:
    """Return whether the raw path ends with the path of the route. Either may still be encoded."""
    return raw.endswith(path) or unquote(raw).endswith(unquote(path))
