"""Grafana's dashboards, made with Grafana's own types: `make dashboards` writes them beside this file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import cloudwatch, common, dashboard, prometheus, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.cloudwatch import MetricEditorMode, MetricQueryType, QueryMode
from grafana_foundation_sdk.models.common import DataSourceRef

HERE = Path(__file__).parent
SOURCE = "${source}"
SERVICE = {"service": "$stack"}
API = {"ApiId": "$api"}
CAPACITY = {"DBClusterIdentifier": "$cluster"}


@dataclass(frozen=True)
class Metric:
    """A metric of CloudWatch; with an asterisk for a dimension, a line for each of its values."""

    namespace: str
    name: str
    statistic: str
    dimensions: dict[str, str] = field(default_factory=dict)

    def query(self) -> Builder[Dataquery]:
        """Return the query that Grafana sends."""
        return (
            cloudwatch.MetricsQuery()
            .query_mode(QueryMode.METRICS)
            .metric_query_type(MetricQueryType.SEARCH)
            .metric_editor_mode(MetricEditorMode.BUILDER)
            .region("default")
            .namespace(self.namespace)
            .metric_name(self.name)
            .dimensions({name: [value] for name, value in self.dimensions.items()})
            .match_exact(True)
            .period("60")
            .statistic(self.statistic)
            .label("${PROP('Dim.route')}" if "route" in self.dimensions else f"{self.name} {self.statistic}")
        )


@dataclass(frozen=True)
class Series:
    """An expression of Prometheus, and what its lines are called."""

    expression: str
    legend: str

    def query(self) -> Builder[Dataquery]:
        """Return the query that Grafana sends."""
        return prometheus.Dataquery().expr(self.expression).legend_format(self.legend)


Lines = tuple[Metric | Series, ...]


@dataclass(frozen=True)
class Panel:
    """A panel of lines over time."""

    title: str
    unit: str
    lines: Lines


def by_route(name: str, statistic: str) -> Metric:
    """Return a metric of each route."""
    return Metric("Segmentation", name, statistic, {**SERVICE, "route": "*"})


def of_service(name: str, statistic: str = "Sum") -> Metric:
    """Return a metric of the service."""
    return Metric("Segmentation", name, statistic, SERVICE)


def of_queue(variable: str, name: str) -> Metric:
    """Return a metric of a queue that a variable names."""
    return Metric("AWS/SQS", name, "Maximum", {"QueueName": f"${variable}"})


CLOUDWATCH = (
    Panel("Requests", "short", (Metric("AWS/ApiGateway", "Count", "Sum", API), by_route("Requests", "Sum"))),
    Panel(
        "Errors",
        "short",
        (
            Metric("AWS/ApiGateway", "5xx", "Sum", API),
            Metric("AWS/ApiGateway", "4xx", "Sum", API),
            Metric("AWS/Lambda", "Throttles", "Sum"),
        ),
    ),
    Panel("Latency", "ms", tuple(Metric("AWS/ApiGateway", "Latency", p, API) for p in ("p50", "p95", "p99"))),
    Panel("Latency by route, p99", "ms", (by_route("Latency", "p99"),)),
    Panel("Errors by route", "short", (by_route("ServerErrors", "Sum"), by_route("ClientErrors", "Sum"))),
    Panel("Cold starts", "short", (by_route("ColdStarts", "Sum"),)),
    Panel(
        "Memberships",
        "short",
        tuple(of_service(name) for name in ("MembershipsAdded", "MembershipsRemoved", "MembershipsExpired")),
    ),
    Panel("Rollouts", "short", (of_service("RolloutUsersAdded"), of_service("RolloutUsersRemoved"))),
    Panel("Expiry lag", "s", (of_service("ExpiryLag", "Maximum"),)),
    Panel("Jobs", "short", (of_service("JobsSucceeded"), of_service("JobsFailed"))),
    Panel("Job duration", "s", (of_service("JobDuration", "Maximum"),)),
    Panel("Age of the oldest message", "s", (of_queue("jobs_queue", "ApproximateAgeOfOldestMessage"),)),
    Panel(
        "Dead letters",
        "short",
        tuple(of_queue(name, "ApproximateNumberOfMessagesVisible") for name in ("dead_letters", "jobs_dead_letters")),
    ),
    Panel("Database connections", "short", (Metric("AWS/RDS", "DatabaseConnections", "Maximum", CAPACITY),)),
    Panel("Database capacity in use", "percent", (Metric("AWS/RDS", "ACUUtilization", "Average", CAPACITY),)),
)

PROMETHEUS = (
    Panel("Up", "short", (Series('up{job="segmentation"}', "{{instance}}"),)),
    Panel("Users", "short", (Series("segmentation_users", "users"),)),
    Panel("Segments", "short", (Series("segmentation_segments", "segments"),)),
    Panel(
        "Memberships",
        "short",
        (Series("segmentation_memberships_active", "active"), Series("segmentation_memberships_due", "due")),
    ),
    Panel("Expiry lag", "s", (Series("segmentation_memberships_due_oldest_age_seconds", "oldest due"),)),
    Panel("Operations", "ops", (Series("segmentation:operations:rate5m", "{{kind}}"),)),
    Panel("Jobs", "short", (Series("segmentation_jobs", "{{status}}"),)),
)


def build(name: str, kind: str, panels: tuple[Panel, ...], **variables: str) -> Dashboard:
    """Return a dashboard whose data source, and what is called differently in each deployment, are chosen in it."""
    made = (
        Dashboard(f"Segmentation ({name})")
        .uid(f"segmentation-{kind}")
        .tags(["segmentation"])
        .refresh("1m")
        .time("now-3h", "now")
        .timezone("utc")
        .with_variable(dashboard.DatasourceVariable("source").label("Source").type(kind))
    )
    for variable, value in variables.items():
        made.with_variable(dashboard.TextBoxVariable(variable).default_value(value))
    for panel in panels:
        made.with_panel(_panel(panel, DataSourceRef(type_val=kind, uid=SOURCE)))
    return made


def _panel(panel: Panel, source: DataSourceRef) -> timeseries.Panel:
    legend = common.VizLegendOptions().show_legend(True)
    made = timeseries.Panel().title(panel.title).unit(panel.unit).datasource(source).legend(legend).span(8).height(7)
    for letter, line in zip("ABCDEF", panel.lines, strict=False):
        query: Any = line.query()
        made.with_target(query.ref_id(letter).datasource(source))
    return made


def texts() -> dict[str, str]:
    """Return each file's text by its name."""
    names = {"stack": "segmentation", "api": "", "cluster": "", "jobs_queue": "", "dead_letters": ""}
    made = {
        "cloudwatch.json": build("CloudWatch", "cloudwatch", CLOUDWATCH, **names, jobs_dead_letters=""),
        "prometheus.json": build("Prometheus", "prometheus", PROMETHEUS),
    }
    return {name: JSONEncoder(sort_keys=True, indent=2).encode(each.build()) + "\n" for name, each in made.items()}


if __name__ == "__main__":
    for name, text in texts().items():
        (HERE / name).write_text(text)
