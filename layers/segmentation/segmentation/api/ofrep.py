"""OFREP 0.3, the protocol by which clients of OpenFeature evaluate flags (open-feature/protocol)."""

import json
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from segmentation.api import caching
from segmentation.api.fast_path import FastPathApi
from segmentation.contract import evaluation
from segmentation.contract.evaluation import (
    ContextInvalid,
    EvaluationProblem,
    FlagUnknown,
    RequestUnreadable,
    TargetingKeyMissing,
)
from segmentation.contract.problems import Problem, RouteUnknown
from segmentation.contract.responses import JSON

_STAYS = frozenset({401, 403})
"""The statuses whose answers stay problem documents: the protocol gives them no body."""


class OfrepApi(FastPathApi):
    """Serve one route of OFREP. Its errors have the bodies of the protocol.

    Clients read the body of an error only with the statuses 400, 404 and 500. So each bad request is 400.
    """

    def evaluated(self, body: str) -> Response[str]:
        """Return the evaluation of one flag."""
        return Response(200, JSON, body, {})

    def evaluated_all(self, body: str, if_none_match: str) -> Response[str]:
        """Return the evaluations of all flags, or 304 if the caller has them already."""
        return caching.answer_unstored(body, if_none_match)

    def _answer_problem(self, problem: Problem) -> Response[str]:
        answered = super()._answer_problem(problem)
        if problem.status in _STAYS:
            return answered
        members = json.loads(answered.body or "")
        status, code = _status_and_code(problem)
        body = self._key() | {"errorCode": code, "errorDetails": problem.detail}
        body |= {"request_id": members["request_id"]} if "request_id" in members else {}
        return Response(status, body=json.dumps(body), headers=answered.headers | {"Content-Type": JSON})

    def _answer_invalid(self, error: RequestValidationError) -> Response[str]:
        [first, *_] = error.errors()
        place, *_ = location = tuple(first["loc"])
        if place == "path":
            return self._answer_problem(FlagUnknown())
        detail = f"{'.'.join(map(str, location))}: {first['msg'].removeprefix('Value error, ')}"
        return self._answer_problem(_kind(location, first["type"])(detail))

    def _key(self) -> dict[str, str]:
        """Return the member that names the flag, on the route of one flag."""
        parameters = self.current_event.raw_event.get("pathParameters") or {}
        return {"key": parameters["key"]} if "key" in parameters else {}


def _kind(location: tuple[Any, ...], kind: str) -> type[EvaluationProblem]:
    """Return the kind of problem of an invalid value."""
    if location[:2] != ("body", "context"):
        return RequestUnreadable
    return TargetingKeyMissing if kind == evaluation.MISSING else ContextInvalid


def _status_and_code(problem: Problem) -> tuple[int, str]:
    """Return the status and the error code of a problem in the protocol."""
    if isinstance(problem, EvaluationProblem):
        return problem.status, problem.error_code
    if isinstance(problem, RouteUnknown):
        return FlagUnknown.status, FlagUnknown.error_code
    if problem.status >= 500:
        return problem.status, EvaluationProblem.error_code
    return RequestUnreadable.status, RequestUnreadable.error_code
