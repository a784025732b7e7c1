"""The log: JSON lines with ids and without bodies, and one line with metrics for each invocation."""

import logging
import random
import re
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from logging import LogRecord
from typing import Any

from aws_lambda_powertools import Logger
from pydantic_core import to_json

from segmentation.runtime import metrics, settings

SERVICE = settings.service_name()
PERCENT = settings.log_percent()

output = logging.StreamHandler(sys.stdout)
logger = Logger(service=SERVICE, utc=True, use_rfc3339=True, logger_handler=output)

_TRACE = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:+/=-]{1,64}")
"""API Gateway's own ids are base64 and end in "="."""

_environment_is_new = True
_ids: dict[str, str | None] = {}


def _drop_rows(record: LogRecord) -> bool:
    """Keep only the first line of a Postgres error. The others quote the rejected row and the statement."""
    error = record.exc_info[1] if record.exc_info else None
    while error is not None:
        primary = getattr(getattr(error, "diag", None), "message_primary", None)
        if primary:
            error.args = (primary,)
        error = error.__cause__ or error.__context__
    return True


def _add_ids(record: LogRecord) -> bool:
    """Add the ids of the invocation when a line is written. Most invocations write none by the logger."""
    logger.append_keys(**_ids)
    return True


logger.addFilter(_drop_rows)
logger.addFilter(_add_ids)


class Invocation:
    """One invocation. Every log line carries its ids, and a line with its metrics ends it.

    This class writes that line itself, because the logger is slower. CloudWatch reads the metrics from it
    (docs/decisions/0010-logs-and-metrics.md).
    """

    def __init__(self, context: Any, request_id: str | None = None, correlation_id: str | None = None) -> None:
        global _environment_is_new, _ids
        self._started = time.perf_counter()
        self._cold, _environment_is_new = _environment_is_new, False
        self._ids = _ids = {
            "request_id": request_id,
            "correlation_id": correlation_id,
            "invocation_id": getattr(context, "aws_request_id", None),
        }
        metrics.begin()

    def end_request(self, route: str, status: int, subject: str | None = None) -> None:
        """Write the line of a request, with its caller's subject and the metrics of its route.

        Ordinary requests write only a share of their lines. An error, a cold start or another metric is always written.
        """
        is_ordinary = status < 400 and not self._cold and metrics.are_empty()
        stands_for = _drawn() if is_ordinary else 1
        if not stands_for:
            return
        milliseconds = self._milliseconds()
        metrics.count_request(status, milliseconds, cold=self._cold, requests=stands_for)
        caller = {} if subject is None else {"subject": subject}
        self._write("request", failed=status >= 500, route=route, status=status, **caller, duration_ms=milliseconds)

    def end(self, function: str, *, failed: bool) -> None:
        """Write the line of an invocation without a request."""
        self._write("invocation", failed=failed, function=function, duration_ms=self._milliseconds())

    def _milliseconds(self) -> float:
        return round((time.perf_counter() - self._started) * 1000, 1)

    def _write(self, message: str, *, failed: bool, **members: object) -> None:
        now = time.time()
        line = {
            "level": "ERROR" if failed else "INFO",
            "message": message,
            "timestamp": datetime.fromtimestamp(now, UTC),
            "service": SERVICE,
            **{name: value for name, value in self._ids.items() if value is not None},
            **members,
            "cold_start": self._cold,
            **metrics.embedded(int(now * 1000)),
        }
        output.stream.write(to_json(line).decode() + "\n")
        output.stream.flush()


def _drawn() -> int:
    """Return how many ordinary requests a line stands for, so that their sum stays true. 0 leaves the line out."""
    return 100 // PERCENT if random.random() * 100 < PERCENT else 0  # noqa: S311 -- not for security


def begin_request(event: Mapping[str, Any], context: Any) -> Invocation:
    """Begin the invocation of a request, with the ids of API Gateway and of the caller."""
    request_id = event["requestContext"]["requestId"]
    return Invocation(context, request_id, correlation_id(event.get("headers") or {}) or request_id)


def correlation_id(headers: Mapping[str, str]) -> str | None:
    """Return the caller's id: the trace id of traceparent (W3C Trace Context), or a short x-request-id."""
    if trace := _TRACE.fullmatch(headers.get("traceparent", "")):
        return trace[1]
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else None


def observed(
    function: str, *, is_failure: Callable[[Any], bool] = lambda answer: False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Write the log line of a handler without a route, even if the handler raises.

    Some handlers report failures in their answer: is_failure detects these.
    """

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(handler)
        def handle(event: dict[str, Any], context: Any) -> Any:
            invocation = Invocation(context)
            failed = True
            try:
                answer = handler(event, context)
                failed = is_failure(answer)
                return answer
            finally:
                invocation.end(function, failed=failed)

        return handle

    return decorate
