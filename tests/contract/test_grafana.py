"""Grafana's dashboards: valid by Grafana's own types, up to date, and about metrics that exist."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from docs.grafana import dashboards
from segmentation.api import prometheus
from segmentation.domain.totals import Census
from segmentation.runtime import metrics
from tests.contract.test_alarms import OF_AWS

DOCS = Path(__file__).parents[2] / "docs"
FILES = ("cloudwatch.json", "prometheus.json")
OURS = {("Segmentation", name, ("service",)) for name in get_args(metrics.OfService)} | {
    ("Segmentation", name, ("route", "service")) for name in get_args(metrics.OfRoute)
}


def read(name):
    return json.loads((DOCS / "grafana" / name).read_text())


def as_grafana_reads(document):
    """Take a document through Grafana's types: what they do not know does not come back."""
    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(document)))


def targets(name):
    return [target for panel in read(name)["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_what_their_source_makes(name):
    assert (DOCS / "grafana" / name).read_text() == dashboards.texts()[name]


@pytest.mark.parametrize("name", FILES)
def test_grafana_reads_all_of_it(name):
    assert as_grafana_reads(read(name)) == read(name)


def test_a_word_that_grafana_does_not_know_would_be_found():
    document = read("prometheus.json")
    document["panels"][0]["targets"][0]["expresion"] = "up"

    assert as_grafana_reads(document) != document


@pytest.mark.parametrize("name", FILES)
def test_every_panel_asks_the_source_that_the_reader_chose(name):
    [source] = [each for each in read(name)["templating"]["list"] if each["type"] == "datasource"]

    asked = {(target["datasource"]["type"], target["datasource"]["uid"]) for target in targets(name)}

    assert asked == {(source["query"], f"${{{source['name']}}}")}


def test_every_variable_is_used_and_every_used_one_is_there():
    document = read("cloudwatch.json")

    used = set(re.findall(r"\$(\w+)\"", json.dumps(document["panels"]))) | {"source"}

    assert used == {each["name"] for each in document["templating"]["list"]}


def test_cloudwatch_has_what_the_panels_ask():
    asked = {(each["namespace"], each["metricName"], tuple(sorted(each["dimensions"]))) for each in targets(FILES[0])}

    assert asked <= OURS | OF_AWS


def test_prometheus_has_what_the_panels_ask():
    rules = yaml.safe_load((DOCS / "prometheus" / "rules.yml").read_text())["groups"][0]["rules"]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    exposed = set(re.findall(r"^# TYPE (\w+)", prometheus.render(Census(0, 0, 0, 0, 0, {}, {})), re.MULTILINE))

    asked = {re.match(r"[\w:]+", target["expr"])[0] for target in targets("prometheus.json")}

    assert asked <= exposed | recorded | {"up"}
    assert exposed - {"segmentation_operations_total"} <= asked
