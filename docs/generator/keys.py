"""Idempotency keys in the document: the parameter that carries one, and the header of an answer that is repeated."""

from typing import Any

from docs.generator.routes import Route
from segmentation.api.idempotency import HEADER, KEY_PATTERN

PARAMETERS: dict[str, Any] = {
    "IdempotencyKey": {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": (
            "Makes a request safe to send again: for 24 hours the same request under the same key gets the first "
            "answer and writes nothing. Another request needs another key."
        ),
        "schema": {"type": "string", "pattern": KEY_PATTERN},
    },
}
HEADERS: dict[str, Any] = {
    "IdempotentReplayed": {
        "description": "Stands where this is the first answer to the request, given again.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
}


def parameters(route: Route) -> list[dict[str, Any]]:
    """Return the parameter where a route keeps its answers."""
    return [{"$ref": "#/components/parameters/IdempotencyKey"}] if route.takes_key else []


def headers(route: Route) -> dict[str, Any]:
    """Return the header of a kept answer where a route keeps any."""
    return {"Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}} if route.takes_key else {}
