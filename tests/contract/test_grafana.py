"""Grafana's dashboard: up to date, valid by Grafana's own types, and about metrics that exist."""

import json
import re

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from local.settings import ROOT
from segmentation.api import prometheus
from segmentation.domain.totals import Totals
from tools import dashboards

RULES = ROOT / "docs" / "prometheus" / "rules.yml"


def read():
    return json.loads(dashboards.PATH.read_text("utf-8"))


def as_grafana_reads(document):
    """Pass a document through Grafana's types, which drop unknown members."""
    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(document)))


def targets():
    return [target for panel in read()["panels"] for target in panel["targets"]]


def test_the_file_is_what_its_source_makes():
    assert dashboards.PATH.read_text("utf-8") == dashboards.text(), "run `make dashboards`, and commit what it writes"


def test_grafana_reads_all_of_it():
    assert as_grafana_reads(read()) == read()


def test_grafana_drops_a_member_that_it_does_not_know():
    document = read()
    document["panels"][0]["targets"][0]["expresion"] = "up"

    assert as_grafana_reads(document) != document


def test_every_panel_asks_the_source_that_the_reader_chose():
    [source] = [each for each in read()["templating"]["list"] if each["type"] == "datasource"]

    asked = {(target["datasource"]["type"], target["datasource"]["uid"]) for target in targets()}

    assert asked == {(source["query"], f"${{{source['name']}}}")}


def test_the_only_variable_is_the_source():
    assert [each["name"] for each in read()["templating"]["list"]] == ["source"]


def test_prometheus_has_what_the_panels_ask():
    rules = yaml.safe_load(RULES.read_text("utf-8"))["groups"][0]["rules"]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    exposed = set(re.findall(r"^# TYPE (\w+)", prometheus.render(Totals(0, 0, 0, 0, 0, 0, {}, {}, {})), re.MULTILINE))

    asked = {re.match(r"[\w:]+", target["expr"])[0] for target in targets()}

    assert asked <= exposed | recorded | {"up"}
    assert exposed - {"segmentation_operations_total"} <= asked
