"""The problems that each route can answer, as responses of the document."""

from typing import Any

from segmentation.contract.problems import (
    BodyNotJson,
    BodyTooLarge,
    BodyTypeUnsupported,
    DatabaseUnavailable,
    IdempotencyKeyInUse,
    InternalError,
    Problem,
    RequestInvalid,
    RoleTooLow,
    RouteUnknown,
    Unauthenticated,
)
from tools.openapi.routes import Route

FIRST_STATUS = "400"
EVERYWHERE = (RequestInvalid, InternalError, DatabaseUnavailable)
WITH_A_BODY = (BodyNotJson, BodyTooLarge, BodyTypeUnsupported)
REQUEST_ID = {"$ref": "#/components/headers/RequestId"}
RETRY_AFTER = {"$ref": "#/components/headers/RetryAfter"}

HEADERS: dict[str, Any] = {
    "RequestId": {
        "description": "The id that names the request in the log.",
        "schema": {"type": "string", "minLength": 1},
        "example": "5f0c3a6e-3f3e-4b0f-8f5c-0a3b3b8f1c55",
    },
    "RetryAfter": {
        "description": "The number of seconds to wait before the next attempt.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 2,
    },
}

PROBLEM_DOCUMENT: dict[str, Any] = {
    "title": "ProblemDocument",
    "description": "A problem document (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The kind of problem, as an identifier."},
        "title": {"type": "string", "description": "The kind of problem, in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What is wrong with this request."},
        "errors": {
            "description": "The values that break a rule.",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["location", "message"],
                "properties": {"location": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "slugs": {"description": "The slugs that cause the problem.", "type": "array", "items": {"type": "string"}},
        "request_id": {"type": "string", "description": "The id that names the failure in the log."},
    },
}

THROTTLED = "Throttled"
THROTTLED_MESSAGE: dict[str, Any] = {
    "title": "ThrottledMessage",
    "description": "API Gateway's own answer.",
    "type": "object",
    "required": ["message"],
    "properties": {"message": {"type": "string"}},
}
RESPONSES: dict[str, Any] = {
    THROTTLED: {
        "description": "Too many requests at the same time.",
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/ThrottledMessage"},
                "example": {"message": "Too Many Requests"},
            }
        },
    },
}
"""The answers that API Gateway gives before it invokes a function."""


def by_status(route: Route) -> dict[str, list[type[Problem]]]:
    """Group the problems of a route by status."""
    kinds: set[type[Problem]] = {*route.problems, *EVERYWHERE}
    kinds |= {Unauthenticated, RoleTooLow} if route.role else set()
    kinds |= {*WITH_A_BODY} if route.has_body else set()
    kinds |= {IdempotencyKeyInUse} if route.takes_key else set()
    kinds |= {RouteUnknown} if "{" in route.path else set()  # Powertools matches few characters there
    found: dict[str, list[type[Problem]]] = {}
    for kind in sorted(kinds, key=lambda kind: (kind.status, kind.__name__)):
        found.setdefault(str(kind.status), []).append(kind)
    return found


def name_of(kinds: list[type[Problem]]) -> str:
    """Return the name of the answer in the components of the document."""
    return "Or".join(kind.__name__ for kind in kinds)


def answer(kinds: list[type[Problem]]) -> dict[str, Any]:
    """Describe the answer for problems with the same status."""
    waits = {"Retry-After": RETRY_AFTER} if any(kind.retry_after for kind in kinds) else {}
    return {
        "description": " ".join(kind.title() for kind in kinds),
        "headers": {"x-request-id": REQUEST_ID} | waits,
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/ProblemDocument"},
                "examples": {kind.__name__: {"summary": kind.title(), "value": _body(kind)} for kind in kinds},
            }
        },
    }


def _body(kind: type[Problem]) -> dict[str, Any]:
    identified = {"request_id": HEADERS["RequestId"]["example"]} if kind.status >= 500 else {}
    return kind.example().body() | identified
