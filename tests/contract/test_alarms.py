"""Alarms and the dashboard watch metrics that exist, and the runbook has every alarm."""

import importlib
import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from local.template import referred
from segmentation.database import connection as database_connection
from segmentation.jobs import leases
from segmentation.reports import month_report
from segmentation.runtime import log as runtime_log
from tests.fix_log import log as log
from tests.functions.calls import call, sample

NOW = datetime.now(UTC)
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
RUNBOOK = (ROOT / "docs" / "operations.md").read_text()
OF_AWS = {("AWS/ApiGateway", name, ("ApiId",)) for name in ("4xx", "5xx", "Count", "Latency", "IntegrationLatency")} | {
    ("AWS/Lambda", "Throttles", ()),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", ("QueueName",)),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", ("QueueName",)),
    ("AWS/RDS", "ACUUtilization", ("DBClusterIdentifier",)),
    ("AWS/RDS", "DatabaseConnections", ("DBClusterIdentifier",)),
    ("AWS/RDS", "DatabaseConnectionsCurrentlySessionPinned", ("ProxyName",)),
}
"""Metrics of AWS's services with their dimensions, from the documentation of AWS."""


@pytest.fixture
def emitted(empty_database, owner, aws, log, monkeypatch):
    """The metrics in the log lines of steps and a sweep, a failed job, a successful job, and requests."""
    monkeypatch.setenv("DATABASE_URL", empty_database.url)
    monkeypatch.setenv("EVENT_BUS_NAME", "segments")
    monkeypatch.setattr(runtime_log, "_environment_is_new", True)
    call("create_segment", {"slug": "BBB"})
    with monkeypatch.context() as patch:
        patch.setenv("DATABASE_READ_HOST", "127.0.0.1:1")
        call("list_segments")
    for user in (1, 2):
        call("change_memberships", {"user_id": user, "add_segments": ["BBB"]})
    call("create_segment", {"slug": "AAA", "user_percent": 100})
    call("update_segment", {"user_percent": 50}, path="/segment/AAA")
    call("delete_user", path="/user/1")
    make_steps_due(owner, "AAA", "BBB")
    with failing_steps(owner, "BBB"):
        run("expire_memberships", sample("expire_memberships"))
    run_new_job()
    monkeypatch.setattr(leases, "MAX_ATTEMPTS", 1)
    monkeypatch.setattr(month_report.deletion, "end_pending_deletions", lambda connection: 1 / 0)
    run_new_job()
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/away")
    database_connection.close()
    call("check_health", path="/health")
    return {metric for line in log.lines if "_aws" in line for metric in metrics_in(line)}


def make_steps_due(owner, *slugs):
    for slug in slugs:
        body = {"steps": [{"at": "2099-01-01T00:00:00Z", "user_percent": 10}]}
        call("plan_steps", body, path=f"/segment/{slug}/schedule")
    owner.execute("update segment_steps set due_at = now()")


@contextmanager
def failing_steps(owner, slug):
    """Refuse each percent of a segment."""
    owner.execute(f"alter table segments add constraint refused check (slug <> '{slug}' or user_percent is null)")
    yield
    owner.execute("alter table segments drop constraint refused")


def run(function, event):
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    importlib.import_module(f"functions.{function}.app").handler(event, context)


def run_new_job():
    """Order and run a report on the month of NOW. At the turn of a month this is the month before."""
    event = sample("run_job")
    job = call("create_report", {"year": NOW.year, "month": NOW.month}).json["job_id"]
    event["Records"][0]["body"] = json.dumps({"job_id": job})
    run("run_job", event)


def metrics_in(line):
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"]:
            assert {*dimensions} <= line.keys()
            for metric in directive["Metrics"]:
                yield directive["Namespace"], metric["Name"], tuple(dimensions)


@pytest.fixture(scope="module")
def alarms(translated):
    return {
        name: each["Properties"]
        for name, each in translated["Resources"].items()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    }


@pytest.fixture(scope="module")
def widgets(translated):
    """The widgets of the dashboard in a stack that creates its database."""
    text, others = translated["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    of_database = others["OfDatabase"]["Fn::If"][1]["Fn::Sub"]
    return json.loads(text.replace("${OfDatabase}", of_database))["widgets"]


def metrics_of_alarm(alarm):
    stats = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", ()) if "MetricStat" in each]
    for metric in stats or [alarm]:
        dimensions = tuple(each["Name"] for each in metric.get("Dimensions", ()))
        yield metric["Namespace"], metric["MetricName"], dimensions


def metrics_of_widget(widget):
    for metric in widget["properties"]["metrics"]:
        if isinstance(metric[0], str):
            namespace, name, *dimensions = (part for part in metric if isinstance(part, str))
            yield namespace, name, tuple(dimensions[::2])
        else:
            found = re.search(r"{(\w+),([\w,]+)} .*MetricName=\"(\w+)\"", metric[0]["expression"])
            yield found[1], found[3], tuple(found[2].split(","))


def test_every_alarm_watches_a_metric_that_exists(alarms, emitted):
    looked_at = {metric for alarm in alarms.values() for metric in metrics_of_alarm(alarm)}

    assert len(looked_at) >= len(alarms) - 1
    assert looked_at <= emitted | OF_AWS


def test_the_dashboard_shows_metrics_that_exist(widgets, emitted):
    shown = {metric for widget in widgets for metric in metrics_of_widget(widget)}

    assert shown <= emitted | OF_AWS
    assert {name for namespace, name, _ in emitted} - {"Requests", "ClientErrors"} <= {name for _, name, _ in shown}


def test_the_widgets_of_the_dashboard_do_not_overlap(widgets):
    taken = [(x, y) for w in widgets for x in range(w["x"], w["x"] + w["width"]) for y in range(w["y"], w["y"] + 6)]

    assert len(taken) == len({*taken})
    assert max(x for x, _ in taken) < 24


def test_every_alarm_is_sent_and_says_what_missing_data_means(alarms):
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "Alarms"}], name
        assert alarm["TreatMissingData"] in {"breaching", "notBreaching", "missing"}, name


def test_cloudwatch_may_publish_alarms_and_an_address_may_subscribe(translated):
    resources = translated["Resources"]
    [statement] = resources["AlarmsPolicy"]["Properties"]["PolicyDocument"]["Statement"]

    assert (statement["Action"], statement["Resource"]) == ("sns:Publish", {"Ref": "Alarms"})
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert "KmsMasterKeyId" not in resources["Alarms"]["Properties"]  # CloudWatch may not use the key of SNS
    assert resources["AlarmsByEmail"]["Condition"] == "SendsEmail"


def test_a_silent_schedule_and_a_lag_of_two_minutes_raise_an_alarm(alarms):
    alarm = alarms["LateExpiry"]

    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (120, "GreaterThanThreshold")
    assert alarm["TreatMissingData"] == "breaching"


def test_every_queue_of_dead_letters_has_an_alarm(alarms, translated):
    queues = {name for name, each in translated["Resources"].items() if each["Type"] == "AWS::SQS::Queue"}

    watched = {
        referred(dimension["Value"])
        for alarm in alarms.values()
        for dimension in alarm.get("Dimensions", ())
        if dimension["Name"] == "QueueName"
    }

    assert watched == queues


def test_the_readme_says_how_many_alarms_there_are(alarms, translated):
    conditions = [translated["Resources"][name].get("Condition") for name in alarms]

    assert "ten alarms, with `CreateDatabase=true` two more, with `EventBusName` or readers one more;" in README
    optional = ("CreatesDatabase", "UsesProxy", "PublishesEvents", "HasReaders")
    assert (conditions.count(None), *(conditions.count(each) for each in optional)) == (10, 1, 1, 1, 1)


def test_the_runbook_has_a_section_for_every_alarm_and_for_no_other(alarms):
    [runbook] = re.findall(r"\n## Alarms\n(.*?)\n## ", RUNBOOK, re.DOTALL)

    assert {*re.findall(r"^### (\w+)$", runbook, re.MULTILINE)} == alarms.keys()


def test_the_runbook_describes_every_alarm_as_its_email_does(alarms):
    described = dict(re.findall(r"^### (\w+)\n\n\*(.*)\.\*$", RUNBOOK, re.MULTILINE))

    for name, alarm in alarms.items():
        text = alarm["AlarmDescription"]
        assert described.get(name) == text, f"docs/operations.md, {name}: begin the section with '*{text}.*'."
