"""The errors of the routes of OFREP, whose bodies the protocol defines."""

from typing import Any

from segmentation.contract.evaluation import (
    ContextInvalid,
    EvaluationProblem,
    FlagsTooLarge,
    FlagUnknown,
    RequestUnreadable,
    TargetingKeyMissing,
)
from segmentation.contract.problems import DatabaseUnavailable, InternalError, Problem
from tools.openapi import errors
from tools.openapi.routes import Route

Json = dict[str, Any]

PREFIX = "/ofrep/"
KEPT = ("401", "403", "429")
"""The statuses whose answers are those of every route."""

FAILURE: Json = {
    "title": "EvaluationFailure",
    "description": "An error of OFREP.",
    "type": "object",
    "required": ["errorCode", "errorDetails"],
    "properties": {
        "key": {"type": "string", "description": "The flag, on the route of one flag."},
        "errorCode": {
            "type": "string",
            "enum": ["PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "FLAG_NOT_FOUND", "GENERAL"],
        },
        "errorDetails": {"type": "string", "description": "What is wrong with this request."},
        "request_id": {"type": "string", "description": "The id that names the failure in the log."},
    },
}


def _answer(*kinds: type[Problem]) -> Json:
    waits = {"Retry-After": errors.RETRY_AFTER} if any(kind.retry_after for kind in kinds) else {}
    return {
        "description": " ".join(kind.title() for kind in kinds),
        "headers": {"x-request-id": errors.REQUEST_ID} | waits,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/EvaluationFailure"},
                "examples": {kind.__name__: {"summary": kind.title(), "value": _body(kind)} for kind in kinds},
            }
        },
    }


def _body(kind: type[Problem]) -> Json:
    code = kind.error_code if issubclass(kind, EvaluationProblem) else EvaluationProblem.error_code
    identified = {"request_id": errors.HEADERS["RequestId"]["example"]} if kind.status >= 500 else {}
    return {"errorCode": code, "errorDetails": kind.example().detail} | identified


RESPONSES: Json = {
    "EvaluationRefused": _answer(RequestUnreadable, TargetingKeyMissing, ContextInvalid, FlagsTooLarge),
    "FlagUnknown": _answer(FlagUnknown),
    "EvaluationFailed": _answer(InternalError),
    "EvaluationUnavailable": _answer(DatabaseUnavailable),
}


def serves(route: Route) -> bool:
    """Return whether a route is one of the protocol."""
    return route.path.startswith(PREFIX)


def failures(route: Route, usual: Json) -> Json:
    """Return the names of the answers to a route's errors by status, given those of every route."""
    unknown = {"404": "FlagUnknown"} if "{" in route.path else {}
    own = {"400": "EvaluationRefused", "500": "EvaluationFailed", "503": "EvaluationUnavailable"}
    return {status: usual[status] for status in KEPT} | unknown | own
