"""The state of the service in Prometheus' text format. The HELP line of each metric states its accuracy."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from segmentation.domain.totals import EXACT_UP_TO, Totals

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_ESTIMATED = f"exact up to {EXACT_UP_TO}, the database's estimate beyond"


def render(totals: Totals) -> str:
    """Render the totals in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(totals))
    return generate_latest(registry).decode()


class _Once(Collector):
    """The totals as metrics."""

    def __init__(self, totals: Totals) -> None:
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics in the order in which they are written."""
        totals = self._totals
        yield _gauge("users", f"Users: {_ESTIMATED}.", totals.users)
        yield _gauge("segments", "Segments that are not deleted.", totals.segments)
        yield _gauge("memberships_active", f"Active memberships: {_ESTIMATED}.", totals.active_memberships)
        yield _gauge("memberships_due", f"Expired memberships not swept yet: {_ESTIMATED}.", totals.due_memberships)
        yield _gauge(
            "memberships_due_oldest_age_seconds",
            "How long ago the oldest of the due memberships expired; 0 without any.",
            totals.oldest_due_seconds,
        )
        yield _gauge(
            "event_lag_seconds",
            "How long ago the event bus last had every event; 0 without a bus.",
            totals.event_lag_seconds,
        )
        yield _by("status", GaugeMetricFamily("segmentation_jobs", "Jobs.", labels=["status"]), totals.jobs)
        steps = GaugeMetricFamily("segmentation_steps", "Scheduled steps of segments.", labels=["status"])
        yield _by("status", steps, totals.steps)
        yield _by(
            "kind",
            CounterMetricFamily(
                "segmentation_operations",
                "Operations written to the history, rolled-back ones included.",
                labels=["kind"],
            ),
            totals.operations,
        )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"segmentation_{name}", text, value)


def _by(label: str, family: GaugeMetricFamily | CounterMetricFamily, values: dict[str, int]) -> Metric:
    for name, value in sorted(values.items()):
        family.add_metric([name], value)
    return family
