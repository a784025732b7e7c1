"""The metrics that each use case reports to CloudWatch, in the log line of its invocation."""

import json
import time
from types import SimpleNamespace

import pytest

from functions.run_job import app as run_job_app
from segmentation.domain.rollouts import percent
from segmentation.jobs import leases
from segmentation.reports import month_report
from tests.functions.calls import call, invoke, sample
from tests.functions.factories import change, create_segments, done

ROUTE_METRICS = {"Requests", "Latency", "ClientErrors", "ServerErrors", "ColdStarts"}


def reported_metrics(log):
    """Return the metrics of the last line without those of its route."""
    line = log.lines[-1]
    named = {each["Name"] for directive in line["_aws"]["CloudWatchMetrics"] for each in directive["Metrics"]}
    return {name: line[name] for name in named - ROUTE_METRICS}


def run_job(job_id):
    event = sample("run_job")
    event["Records"][0]["body"] = json.dumps({"job_id": job_id})
    return run_job_app.handler(
        event, SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000, aws_request_id="invocation-1")
    )


@pytest.fixture
def users(service, owner):
    create_segments("AAA", "BBB")
    owner.execute("insert into users (user_id) select generate_series(1, 10)")


def test_added_and_removed_memberships_are_counted(users, log):
    done(change(1, add=("AAA",)))
    done(change(1, add=("BBB",), delete=("AAA",)))

    assert reported_metrics(log) == {"MembershipsAdded": 1, "MembershipsRemoved": 1}


def test_a_change_that_changes_nothing_reports_nothing(users, log):
    done(change(1, delete=("AAA",)))

    assert reported_metrics(log) == {}


@pytest.mark.parametrize(
    ("function", "arguments"),
    [("delete_user", {"path": "/user/1"}), ("delete_segment", {"path": "/segment/AAA"})],
)
def test_memberships_of_a_deleted_user_or_segment_are_counted_as_removed(users, log, function, arguments):
    done(change(1, add=("AAA",)))
    event = sample(function) | {"routeKey": f"DELETE {arguments['path']}"}
    event["rawPath"] = event["requestContext"]["http"]["path"] = arguments["path"]
    event.pop("body", None)

    assert invoke(function, event)["statusCode"] == 200
    assert reported_metrics(log) == {"MembershipsRemoved": 1}


def test_users_that_a_percent_adds_and_removes_are_counted(users, log):
    done(call("create_segment", {"slug": "PERCENT", "user_percent": 50}))
    added = reported_metrics(log)
    done(call("update_segment", {"user_percent": 20}, path="/segment/PERCENT"))

    assert added == {"RolloutUsersAdded": 5}
    assert reported_metrics(log) == {"RolloutUsersRemoved": 3}


def test_rows_of_a_user_report_are_counted(users, aws, log):
    done(change(1, add=("AAA", "BBB")))
    year, month = log.lines[-1]["timestamp"][:7].split("-")

    call("create_user_report", path="/segment/history/1", query={"year": year, "month": month})

    assert reported_metrics(log) == {"ReportRows": 2}


def test_a_job_reports_its_success_its_duration_and_its_rows(users, aws, log):
    done(change(1, add=("AAA",)))
    year, month = log.lines[-1]["timestamp"][:7].split("-")
    started = time.monotonic()
    ordered = call("create_report", {"year": int(year), "month": int(month)})

    run_job(ordered.json["job_id"])

    found = reported_metrics(log)
    assert 0 < found.pop("JobDuration") <= time.monotonic() - started
    assert found == {"JobsSucceeded": 1, "ReportRows": 1}


def test_a_rollout_job_reports_the_users_that_it_added(users, aws, log, monkeypatch):
    monkeypatch.setattr(percent, "MOST_CHANGES", 1)
    ordered = call("create_segment", {"slug": "PERCENT", "user_percent": 50})

    run_job(ordered.json["job_id"])

    assert (ordered.status, reported_metrics(log)["RolloutUsersAdded"]) == (202, 5)


def test_a_job_that_fails_for_good_is_reported_once(users, aws, log, monkeypatch):
    monkeypatch.setattr(leases, "MAX_ATTEMPTS", 2)
    monkeypatch.setattr(month_report.deletion, "end_pending_deletions", lambda connection: 1 / 0)
    ordered = call("create_report", {"year": 2026, "month": 1}).json["job_id"]

    for _ in range(3):
        run_job(ordered)

    ends = [line for line in log.lines if line["message"] == "invocation"]
    assert [line.get("JobsFailed", 0) for line in ends] == [0, 1, 0]


def test_the_progress_of_a_job_is_in_the_log(users, aws, log):
    ordered = call("create_report", {"year": 2026, "month": 1}).json["job_id"]

    run_job(ordered)

    of_job = [line for line in log.lines if line.get("job_id") == ordered]
    assert [line["message"] for line in of_job][-1] == "job succeeded"
    assert {"done", "total", "kind"} <= of_job[0].keys()
    assert {line["invocation_id"] for line in of_job} == {"invocation-1"}
