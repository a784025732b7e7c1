"""The figures of an invocation, which its line in the log takes to CloudWatch in the embedded metric format."""

from functools import cache
from typing import Any, Literal, get_args

NAMESPACE = "Segmentation"

OfService = Literal[
    "MembershipsAdded",
    "MembershipsRemoved",
    "MembershipsExpired",
    "MembershipsDue",
    "ExpiryLag",
    "RolloutUsersAdded",
    "RolloutUsersRemoved",
    "ReportRows",
    "JobsSucceeded",
    "JobsFailed",
    "JobDuration",
]
"""What the service does, of all its functions together."""

OfRoute = Literal["Requests", "Latency", "ClientErrors", "ServerErrors", "ColdStarts"]
"""How a route does. Each costs money for each route, every hour in which it occurs."""

_DIMENSIONS = (
    (["service"], frozenset(get_args(OfService))),
    (["service", "route"], frozenset(get_args(OfRoute))),
)
_UNITS = {"ExpiryLag": "Seconds", "JobDuration": "Seconds", "Latency": "Milliseconds"}

_figures: dict[str, float] = {}


def begin() -> None:
    """Forget what the invocation before this one did."""
    _figures.clear()


def count(metric: OfService, number: float) -> None:
    """Add to a figure of this invocation; nothing is nothing to report."""
    if number:
        _figures[metric] = _figures.get(metric, 0) + number


def record(metric: OfService, value: float) -> None:
    """Set a figure of this invocation, which may be zero."""
    _figures[metric] = value


def count_request(status: int, milliseconds: float, *, cold: bool) -> None:
    """Report a request; an error or a cold start only where there is one."""
    _figures["Requests"] = 1
    _figures["Latency"] = milliseconds
    if 400 <= status < 500:
        _figures["ClientErrors"] = 1
    elif status >= 500:
        _figures["ServerErrors"] = 1
    if cold:
        _figures["ColdStarts"] = 1


def embedded(timestamp_ms: int) -> dict[str, Any]:
    """Return the members of a JSON line that CloudWatch takes for metrics; none without figures."""
    if not _figures:
        return {}
    return {"_aws": {"Timestamp": timestamp_ms, "CloudWatchMetrics": _directives(tuple(_figures))}, **_figures}


@cache
def _directives(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Tell CloudWatch which members are metrics; nearly every invocation has the same few."""
    return [
        {
            "Namespace": NAMESPACE,
            "Dimensions": [dimensions],
            "Metrics": [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in names if name in known],
        }
        for dimensions, known in _DIMENSIONS
        if not known.isdisjoint(names)
    ]
