"""The metrics of an invocation. Its log line carries them to CloudWatch in the embedded metric format."""

from functools import cache
from typing import Any, Literal, get_args

NAMESPACE = "Segmentation"

OfService = Literal[
    "MembershipsAdded",
    "MembershipsRemoved",
    "MembershipsExpired",
    "MembershipsDue",
    "ExpiryLag",
    "SizesLag",
    "RolloutUsersAdded",
    "RolloutUsersRemoved",
    "StepsApplied",
    "StepsFailed",
    "ReportRows",
    "JobsSucceeded",
    "JobsFailed",
    "JobDuration",
    "EventLag",
    "ReaderFallbacks",
]
"""Metrics of the service, summed over its functions."""

OfRoute = Literal["Requests", "Latency", "ClientErrors", "ServerErrors", "ColdStarts"]
"""Metrics of one route. CloudWatch bills each by route and hour."""

_DIMENSIONS = (
    (["service"], frozenset(get_args(OfService))),
    (["service", "route"], frozenset(get_args(OfRoute))),
)
_UNITS = {
    "ExpiryLag": "Seconds",
    "EventLag": "Seconds",
    "SizesLag": "Seconds",
    "JobDuration": "Seconds",
    "Latency": "Milliseconds",
}

_values: dict[str, float] = {}


def begin() -> None:
    """Drop the values of the previous invocation."""
    _values.clear()


def count(metric: OfService, number: float) -> None:
    """Add to a metric of this invocation. Zero is not reported."""
    if number:
        _values[metric] = _values.get(metric, 0) + number


def record(metric: OfService, value: float) -> None:
    """Set a metric of this invocation. Zero is reported."""
    _values[metric] = value


def are_empty() -> bool:
    """Return whether this invocation has no metric yet."""
    return not _values


def count_request(status: int, milliseconds: float, *, cold: bool, requests: int = 1) -> None:
    """Report a request, and its error or cold start if it had one. It may stand for several ordinary requests."""
    _values["Requests"] = requests
    _values["Latency"] = milliseconds
    if 400 <= status < 500:
        _values["ClientErrors"] = 1
    elif status >= 500:
        _values["ServerErrors"] = 1
    if cold:
        _values["ColdStarts"] = 1


def embedded(timestamp_ms: int) -> dict[str, Any]:
    """Return the members of a JSON line from which CloudWatch makes metrics. No metric, no members."""
    if not _values:
        return {}
    return {"_aws": {"Timestamp": timestamp_ms, "CloudWatchMetrics": _directives(tuple(_values))}, **_values}


@cache
def _directives(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the declaration of metrics. It is cached, because most invocations have the same metrics."""
    return [
        {
            "Namespace": NAMESPACE,
            "Dimensions": [dimensions],
            "Metrics": [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in names if name in known],
        }
        for dimensions, known in _DIMENSIONS
        if not known.isdisjoint(names)
    ]
