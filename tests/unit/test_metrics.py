"""The metrics in the log: CloudWatch's embedded metric format, as Powertools writes it."""

import re

from aws_lambda_powertools.metrics import Metrics, MetricUnit

from segmentation.runtime import log as runtime_log
from segmentation.runtime import metrics
from tests.fix_log import begin

ROUTE = "GET /segment/user/{user_id}"
PER_ROUTE = {"Requests", "Latency", "ClientErrors", "ServerErrors", "ColdStarts"}


def metrics_of(line, *dimensions):
    """Return the metrics of a line with these dimensions, and their values, as CloudWatch reads them."""
    return {
        metric["Name"]: line[metric["Name"]]
        for directive in line["_aws"]["CloudWatchMetrics"]
        if directive["Dimensions"] == [["service", *dimensions]]
        for metric in directive["Metrics"]
    }


def test_a_request_is_counted_and_timed_by_its_route(log, monkeypatch):
    monkeypatch.setattr(runtime_log, "_environment_is_new", False)

    begin().end_request(ROUTE, 200)

    [line] = log.lines
    assert metrics_of(line, "route") == {"Requests": 1, "Latency": line["duration_ms"]}
    assert line["route"] == ROUTE


def test_errors_and_cold_starts_are_counted_in_their_own_line(log, monkeypatch):
    monkeypatch.setattr(runtime_log, "_environment_is_new", True)

    for status in (404, 500, 302):
        begin().end_request(ROUTE, status)

    found = [metrics_of(line, "route").keys() & PER_ROUTE - {"Requests", "Latency"} for line in log.lines]
    assert found == [{"ClientErrors", "ColdStarts"}, {"ServerErrors"}, set()]


def test_counts_of_the_domain_have_no_route(log):
    invocation = begin()
    metrics.count("MembershipsAdded", 2)
    metrics.count("MembershipsAdded", 1)
    metrics.count("MembershipsRemoved", 0)

    invocation.end_request(ROUTE, 200)

    assert metrics_of(log.lines[0]) == {"MembershipsAdded": 3}
    assert metrics_of(log.lines[0], "route").keys() <= PER_ROUTE


def test_an_invocation_does_not_report_the_counts_of_the_previous_one(log):
    metrics.count("MembershipsAdded", 1)

    begin().end_request(ROUTE, 200)

    assert "MembershipsAdded" not in log.lines[0]


def test_a_line_without_metrics_has_no_metric_directive(log):
    runtime_log.Invocation(None).end("sweep", failed=False)

    assert "_aws" not in log.lines[0]


def test_the_directive_equals_that_of_powertools(log):
    begin().end_request(ROUTE, 500)
    [line] = log.lines
    theirs = Metrics(namespace="Segmentation")
    theirs.provider.dimension_set = {"route": ROUTE}
    for name, unit in (("Requests", MetricUnit.Count), ("Latency", MetricUnit.Milliseconds)):
        theirs.add_metric(name, unit, line[name])

    expected = theirs.provider.serialize_metric_set()["_aws"]["CloudWatchMetrics"]

    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive | {"Metrics": directive["Metrics"][:2]} == expected[0] | {"Dimensions": [["service", "route"]]}


def test_the_timestamp_of_the_metrics_is_in_milliseconds(log):
    begin().end_request(ROUTE, 200)

    assert re.fullmatch(r"1\d{12}", str(log.lines[0]["_aws"]["Timestamp"]))
