"""Write Grafana's dashboard of what Prometheus scrapes: `make dashboards`."""

from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders import common, prometheus, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import DataSourceRef

PATH = Path(__file__).resolve().parents[1] / "docs" / "grafana" / "prometheus.json"
SOURCE = "${source}"


@dataclass(frozen=True)
class Series:
    """An expression of Prometheus, and the name of its lines."""

    expression: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """A panel of lines over time."""

    title: str
    unit: str
    series: tuple[Series, ...]


PANELS = (
    Panel("Up", "short", (Series('up{job="segmentation"}', "{{instance}}"),)),
    Panel("Users", "short", (Series("segmentation_users", "users"),)),
    Panel("Segments", "short", (Series("segmentation_segments", "segments"),)),
    Panel(
        "Memberships",
        "short",
        (Series("segmentation_memberships_active", "active"), Series("segmentation_memberships_due", "due")),
    ),
    Panel(
        "Lag",
        "s",
        (
            Series("segmentation_memberships_due_oldest_age_seconds", "oldest due"),
            Series("segmentation_event_lag_seconds", "event bus"),
        ),
    ),
    Panel("Operations", "ops", (Series("segmentation:operations:rate5m", "{{kind}}"),)),
    Panel("Jobs", "short", (Series("segmentation_jobs", "{{status}}"),)),
    Panel("Steps of schedules", "short", (Series("segmentation_steps", "{{status}}"),)),
)


def text() -> str:
    """Return the text of the file."""
    return JSONEncoder(sort_keys=True, indent=2).encode(_dashboard().build()) + "\n"


def _dashboard() -> Dashboard:
    """Build the dashboard. Its reader chooses the data source in it."""
    built = (
        Dashboard("Segmentation (Prometheus)")
        .uid("segmentation-prometheus")
        .tags(["segmentation"])
        .refresh("1m")
        .time("now-3h", "now")
        .timezone("utc")
        .with_variable(DatasourceVariable("source").label("Source").type("prometheus"))
    )
    for panel in PANELS:
        built.with_panel(_panel(panel, DataSourceRef(type_val="prometheus", uid=SOURCE)))
    return built


def _panel(panel: Panel, source: DataSourceRef) -> timeseries.Panel:
    legend = common.VizLegendOptions().show_legend(True)
    built = timeseries.Panel().title(panel.title).unit(panel.unit).datasource(source).legend(legend).span(8).height(7)
    for letter, series in zip("ABCDEF", panel.series, strict=False):
        query = prometheus.Dataquery().expr(series.expression).legend_format(series.legend)
        built.with_target(query.ref_id(letter).datasource(source))
    return built


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
