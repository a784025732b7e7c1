"""The state of the service in Prometheus' text format. HELP promises the accuracy of each value."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from segmentation.domain.totals import EXACT_UP_TO, Census

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_ESTIMATED = f"exact up to {EXACT_UP_TO}, the database's estimate beyond"


def render(census: Census) -> str:
    """Write a census down as Prometheus reads it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(census))
    return generate_latest(registry).decode()


class _Once(Collector):
    """A census as the metrics that it comes to."""

    def __init__(self, census: Census) -> None:
        self._census = census

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics in the order in which they are written."""
        census = self._census
        yield _gauge("users", f"Users: {_ESTIMATED}.", census.users)
        yield _gauge("segments", "Segments that are not deleted.", census.segments)
        yield _gauge("memberships_active", f"Active memberships: {_ESTIMATED}.", census.active_memberships)
        yield _gauge("memberships_due", f"Expired memberships not swept yet: {_ESTIMATED}.", census.due_memberships)
        yield _gauge(
            "memberships_due_oldest_age_seconds",
            "How long ago the oldest of the due memberships expired; 0 without any.",
            census.oldest_due_seconds,
        )
        yield _by("status", GaugeMetricFamily("segmentation_jobs", "Jobs.", labels=["status"]), census.jobs)
        yield _by(
            "kind",
            CounterMetricFamily(
                "segmentation_operations",
                "Operations written into the history since migration 6, undone ones included.",
                labels=["kind"],
            ),
            census.operations,
        )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"segmentation_{name}", text, value)


def _by(label: str, family: GaugeMetricFamily | CounterMetricFamily, values: dict[str, int]) -> Metric:
    for name, value in sorted(values.items()):
        family.add_metric([name], value)
    return family
