"""Figures for CloudWatch, written to the log in its embedded metric format."""

from aws_lambda_powertools.metrics import Metrics, MetricUnit

NAMESPACE = "Segmentation"


def count_expiry(*, removed: int, remaining: int, oldest_age_seconds: float) -> None:
    """Report a sweep: memberships removed, memberships due that it left, and the age of the oldest of those."""
    metrics = Metrics(namespace=NAMESPACE, service="segmentation")
    metrics.add_metric("MembershipsExpired", MetricUnit.Count, removed)
    metrics.add_metric("MembershipsDue", MetricUnit.Count, remaining)
    metrics.add_metric("ExpiryLag", MetricUnit.Seconds, oldest_age_seconds)
    metrics.flush_metrics()
