"""Reports and their jobs, through the real handlers."""

import json

import pytest
from botocore.exceptions import EndpointConnectionError

from segmentation.contract.problems import StorageUnavailable
from segmentation.jobs import queue, worker
from segmentation.reports import storage
from tests.functions.calls import call
from tests.functions.factories import add_members, create_segments
from tests.functions.fix_jobs import run_jobs as run_jobs

UNKNOWN_JOB = "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa"
AUGUST = {"year": "2023", "month": "8"}


@pytest.fixture(autouse=True)
def local_aws(service, aws):
    """Give every test the service and local substitutes of S3 and SQS."""


def order_report(**members):
    return call("create_report", {"year": 2023, "month": 8, **members}).json["job_id"]


def show_job(job_id):
    return call("show_job", path=f"/job/{job_id}")


def test_user_report_is_answered_with_a_link_its_expiry_and_its_rows():
    create_segments("AVITO_30")
    add_members("AVITO_30", 1)
    this_month = current_month()

    answer = call("create_user_report", path="/segment/history/1", query=this_month)

    assert (answer.status, answer.json["rows"]) == (200, 1)
    assert answer.json["expires_at"].endswith("Z")


def current_month():
    added_at = call("list_memberships", path="/segment/user/1").json["segments"][0]["added_at"]
    return {"year": added_at[:4], "month": str(int(added_at[5:7]))}


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ({"year": "2023"}, "query.month"),
        ({"month": "8"}, "query.year"),
        ({"year": "2023", "month": "13"}, "query.month"),
        ({"year": "2023", "month": "0"}, "query.month"),
        ({"year": "1999", "month": "12"}, "query.year"),
        ({"year": "9998", "month": "1"}, "query.year"),
        ({"year": "99999", "month": "1"}, "query.year"),
        (AUGUST | {"format": "pdf"}, "query.format"),
        (AUGUST | {"delimiter": "|"}, "query.delimiter"),
    ],
)
def test_invalid_report_request_names_the_parameter(aws, query, location):
    answer = call("create_user_report", path="/segment/history/1", query=query)

    assert answer.status == 422
    assert [error["location"] for error in answer.json["errors"]] == [location]
    assert aws.names() == []


def test_report_address_redirects_to_a_new_link():
    link = call("create_user_report", path="/segment/history/1", query=AUGUST).json["report_link"]
    name = link.partition("?")[0].rpartition("/")[2]

    answer = call("open_report", path=f"/segment/reports/{name}")

    assert answer.status == 302
    assert name in answer.headers["location"]


@pytest.mark.parametrize("name", ["nope.csv", f"user-1-2023-08-{'0' * 32}.csv", "%2e%2e", "x" * 300])
def test_unknown_report_is_404(name):
    answer = call("open_report", path=f"/segment/reports/{name}")

    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


def test_unreachable_store_is_503(monkeypatch):
    def refuse(*_):
        raise StorageUnavailable

    monkeypatch.setattr(storage, "put", refuse)

    answer = call("create_user_report", path="/segment/history/1", query=AUGUST)

    assert (answer.status, answer.headers["retry-after"]) == (503, "2")


def test_job_is_shown_from_its_order_to_its_link(run_jobs):
    job_id = order_report()
    before = show_job(job_id).json

    result = run_jobs()

    after = show_job(job_id).json
    assert result == {"batchItemFailures": []}
    assert (before["status"], after["status"]) == ("queued", "succeeded")
    assert after["result"].keys() == {"report_link", "expires_at", "rows"}


@pytest.mark.parametrize(
    ("members", "location"),
    [
        ({"month": 13}, "body.month"),
        ({"year": 1999}, "body.year"),
        ({"year": 9998}, "body.year"),
        ({"format": "pdf"}, "body.format"),
        ({"delimiter": "|"}, "body.delimiter"),
        ({"columns": "all"}, "body.columns"),
        ({"slug": "=CMD"}, "body.slug"),
        ({"month": "8"}, "body.month"),
        ({"pages": 5}, "body.pages"),
    ],
)
def test_invalid_report_order_names_the_member_and_creates_no_job(aws, members, location):
    answer = call("create_report", {"year": 2023, "month": 8, **members})

    assert (answer.status, answer.json["errors"][0]["location"]) == (422, location)
    assert aws.messages() == []


@pytest.mark.parametrize("job_id", [UNKNOWN_JOB, "1", "none", "a" * 300])
def test_unknown_job_is_404(job_id):
    answer = show_job(job_id)

    assert (answer.status, answer.json["type"]) == (404, "urn:segmentation:problem:job-unknown")


def test_poison_message_is_reported_and_the_others_are_processed(run_jobs):
    job_id = order_report()

    result = run_jobs("not json", json.dumps({"job_id": job_id}), "{}", json.dumps({"job_id": 5}))

    assert [failed["itemIdentifier"] for failed in result["batchItemFailures"]] == ["0", "2", "3"]
    assert show_job(job_id).json["status"] == "succeeded"


def test_log_says_why_a_message_is_poison(run_jobs, log):
    run_jobs('{"job_id": 5}')

    [line] = [line for line in log.lines if line["message"] == "the message is not valid"]
    assert (line["level"], len(line["rules"])) == ("ERROR", 1)
    assert line["rules"][0].startswith("job_id: ")


def logged_exceptions(log):
    """Return the jobs and the exceptions that the log names."""
    return [(line["job_id"], line["exception_name"]) for line in log.lines if "exception_name" in line]


def test_message_without_a_database_logs_its_error(unreachable_database, run_jobs, log):
    result = run_jobs(json.dumps({"job_id": UNKNOWN_JOB}))

    assert len(result["batchItemFailures"]) == 1
    assert logged_exceptions(log) == [(UNKNOWN_JOB, "OperationalError")]
    assert "not-a-secret" not in log.text


def test_failed_attempt_is_logged_once(run_jobs, log, monkeypatch):
    monkeypatch.setattr(storage, "begin_upload", lambda _: 1 // 0)
    job_id = order_report()

    run_jobs(json.dumps({"job_id": job_id}))

    assert logged_exceptions(log) == [(job_id, "ZeroDivisionError")]


def test_last_attempt_and_an_unsent_dead_letter_are_both_logged(run_jobs, log, monkeypatch):
    def refuse(*_):
        raise EndpointConnectionError(endpoint_url="sqs")

    monkeypatch.setattr(worker.leases, "MAX_ATTEMPTS", 1)
    monkeypatch.setattr(storage, "begin_upload", lambda _: 1 // 0)
    monkeypatch.setattr(queue, "send_dead_letter", refuse)
    job_id = order_report()

    run_jobs(json.dumps({"job_id": job_id}))

    assert logged_exceptions(log) == [(job_id, "ZeroDivisionError"), (job_id, "EndpointConnectionError")]


@pytest.mark.parametrize(("body", "level"), [("{}", "ERROR"), (json.dumps({"job_id": UNKNOWN_JOB}), "INFO")])
def test_invocation_with_a_failed_message_logs_an_error(run_jobs, log, body, level):
    run_jobs(body)

    assert (log.lines[-1]["message"], log.lines[-1]["level"]) == ("invocation", level)


def test_failed_job_shows_its_error(run_jobs, monkeypatch):
    def refuse(*_):
        raise StorageUnavailable("The report storage answered AccessDenied.")

    monkeypatch.setattr(storage, "upload_part", refuse)
    job_id = order_report()

    for _ in range(worker.leases.MAX_ATTEMPTS):
        run_jobs(json.dumps({"job_id": job_id}))

    shown = show_job(job_id).json
    assert (shown["status"], shown["error"]) == ("failed", "The report storage answered AccessDenied.")
