"""Idempotency keys in the document: the parameter of a request, and the header of a repeated answer."""

from typing import Any

from segmentation.api.idempotency import HEADER, KEY_PATTERN
from tools.openapi.routes import Route

PARAMETERS: dict[str, Any] = {
    "IdempotencyKey": {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": (
            "Makes a request safe to send again. For 24 hours the same request with the same key gets the first answer "
            "and writes nothing. Another request needs another key."
        ),
        "schema": {"type": "string", "pattern": KEY_PATTERN},
    },
}
HEADERS: dict[str, Any] = {
    "IdempotentReplayed": {
        "description": "Present if this answer repeats the first answer to the request.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
}


def parameters(route: Route) -> list[dict[str, Any]]:
    """Return the parameter if the route stores its answers."""
    return [{"$ref": "#/components/parameters/IdempotencyKey"}] if route.takes_key else []


def headers(route: Route) -> dict[str, Any]:
    """Return the header of a repeated answer if the route stores its answers."""
    return {"Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}} if route.takes_key else {}
