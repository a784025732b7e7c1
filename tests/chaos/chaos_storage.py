"""S3 refuses, disconnects, or responds late, partly or not at all. No request hangs, and every report is right."""

import time
from contextlib import suppress

import httpx
import pytest
from botocore.exceptions import EndpointConnectionError

from segmentation.contract.problems import StorageUnavailable
from segmentation.jobs import leases, queue, worker
from segmentation.reports import storage
from segmentation.runtime.timeouts import Timeouts
from tests.chaos import http_proxy
from tests.chaos.faulty_aws import aws as aws
from tests.chaos.faulty_aws import faulty_s3 as faulty_s3
from tests.chaos.faulty_aws import faulty_sqs as faulty_sqs
from tests.chaos.faulty_aws import s3_proxy as s3_proxy
from tests.chaos.faulty_aws import sqs_proxy as sqs_proxy
from tests.functions.calls import call
from tests.integration.fix_jobs import NO_TIME_LIMIT
from tests.integration.fix_jobs import deliver as deliver
from tests.integration.fix_jobs import expected as expected
from tests.integration.fix_jobs import filled_month as filled_month
from tests.integration.fix_jobs import lines as lines
from tests.integration.fix_jobs import order as order
from tests.integration.fix_jobs import small_batches as small_batches
from tests.stopwatch import Stopwatch

AUGUST = {"year": "2023", "month": "8"}
FUNCTION_SECONDS = 15
TEMPORARY_FAULTS = {
    "500": http_proxy.error_response(500, "InternalError"),
    "503": http_proxy.error_response(503, "SlowDown"),
    "disconnect": http_proxy.disconnect,
    "half a request": http_proxy.truncate_request,
    "half a response": http_proxy.truncate_response,
    "no response": http_proxy.drop_response,
}
"""Faults of S3 that a retry does not meet again."""


def ask_for_report():
    with Stopwatch() as stopwatch:
        answer = call("create_user_report", path="/segment/history/1", query=AUGUST)
    return answer, stopwatch.seconds


def open_report(name):
    with Stopwatch() as stopwatch:
        answer = call("open_report", path=f"/segment/reports/{name}")
    return answer, stopwatch.seconds


@pytest.fixture
def report(service, aws):
    """Create a user's report and return its file name."""
    link = ask_for_report()[0].json["report_link"]
    return link.partition("?")[0].rpartition("/")[2]


def assert_unavailable_in_time(answer, seconds):
    assert (answer.status, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"] == "2"
    assert answer.json["type"] == "urn:segmentation:problem:storage-unavailable"
    assert seconds <= storage.REQUEST_TIMEOUTS.max_seconds < FUNCTION_SECONDS


@pytest.mark.parametrize("fault", TEMPORARY_FAULTS)
def test_user_report_survives_temporary_faults(service, aws, s3_proxy, fault):
    s3_proxy.inject("PutObject", TEMPORARY_FAULTS[fault], 2)

    answer, _ = ask_for_report()

    assert (answer.status, s3_proxy.requests["PutObject"]) == (200, 3)
    assert len(aws.names()) == 1


@pytest.mark.parametrize("fault", [*TEMPORARY_FAULTS.values(), http_proxy.error_response(403, "AccessDenied")])
def test_user_report_is_unavailable_under_a_lasting_fault(service, aws, s3_proxy, fault):
    s3_proxy.inject("PutObject", fault)

    answer, seconds = ask_for_report()

    assert_unavailable_in_time(answer, seconds)


def test_user_report_does_not_wait_for_a_slow_store(service, aws, s3_proxy):
    s3_proxy.inject("PutObject", http_proxy.delay_response(FUNCTION_SECONDS))

    answer, seconds = ask_for_report()

    assert_unavailable_in_time(answer, seconds)


@pytest.mark.parametrize("fault", TEMPORARY_FAULTS)
def test_fresh_link_survives_temporary_faults(report, s3_proxy, fault):
    s3_proxy.inject("HeadObject", TEMPORARY_FAULTS[fault], 2)

    answer, _ = open_report(report)

    assert answer.status == 302


@pytest.mark.parametrize("fault", [*TEMPORARY_FAULTS.values(), http_proxy.delay_response(FUNCTION_SECONDS)])
def test_fresh_link_is_unavailable_under_a_lasting_fault(report, s3_proxy, fault):
    s3_proxy.inject("HeadObject", fault)

    answer, seconds = open_report(report)

    assert_unavailable_in_time(answer, seconds)


def test_link_works_repeatedly_until_it_expires(report, monkeypatch):
    valid = storage.link(report).url
    monkeypatch.setattr(storage, "LINK_SECONDS", 1)
    expiring = storage.link(report).url
    time.sleep(2)

    *opened, expired = [httpx.get(link, trust_env=False) for link in (valid, valid, expiring)]

    assert [answer.status_code for answer in opened] == [200, 200]
    assert "<Code>AccessDenied</Code>" in expired.text


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_read_link_does_not_permit_writing(report, aws, method):
    before = aws.text(report)

    answer = httpx.request(method, storage.link(report).url, content=b"mine now", trust_env=False)

    assert answer.status_code == 403
    assert aws.text(report) == before


REPORT_OPERATIONS = ("CreateMultipartUpload", "UploadPart", "ListMultipartUploads", "CompleteMultipartUpload")
UNRETRIED_FAULTS = {
    "refused": http_proxy.error_response(403, "AccessDenied"),
    "refused with status 200": http_proxy.error_response(200, "InternalError"),
}
"""Faults that botocore does not retry, or takes for a success."""


@pytest.fixture
def deliver_until_it_ends(connection, deliver):
    """Deliver a job as the queue does, until it ends."""

    def run(job_id):
        for _ in range(leases.MAX_ATTEMPTS + 1):
            with suppress(StorageUnavailable, EndpointConnectionError):
                deliver(job_id, **NO_TIME_LIMIT)
        return leases.get(connection, job_id)

    return run


@pytest.mark.parametrize("operation", REPORT_OPERATIONS)
@pytest.mark.parametrize("fault", [*TEMPORARY_FAULTS, *UNRETRIED_FAULTS])
def test_month_report_is_identical_after_temporary_faults(
    filled_month, expected, order, deliver_until_it_ends, aws, s3_proxy, lines, operation, fault
):
    job_id = order()
    s3_proxy.inject(operation, (TEMPORARY_FAULTS | UNRETRIED_FAULTS)[fault], 1)

    job = deliver_until_it_ends(job_id)

    assert s3_proxy.requests[operation] >= 2
    assert (job.status, lines(job_id)) == ("succeeded", expected)
    assert (len(aws.names()), aws.uploads()) == (1, [])


@pytest.mark.parametrize("operation", REPORT_OPERATIONS)
@pytest.mark.parametrize("fault", ["disconnect", "refused"])
def test_month_report_fails_under_a_lasting_fault_and_succeeds_from_its_dead_letter(
    connection, filled_month, expected, order, deliver_until_it_ends, aws, s3_proxy, lines, operation, fault
):
    job_id = order()
    s3_proxy.inject(operation, (TEMPORARY_FAULTS | UNRETRIED_FAULTS)[fault])
    failed = deliver_until_it_ends(job_id)
    assert (failed.status, aws.names()) == ("failed", [])
    s3_proxy.reset()

    worker.receive(connection, queue.read(aws.dead_letters()[0]), **NO_TIME_LIMIT)

    assert lines(job_id) == expected
    assert (len(aws.names()), aws.uploads()) == (1, [])


def test_month_report_continues_at_the_part_without_a_response(
    connection, filled_month, expected, order, deliver, deliver_until_it_ends, s3_proxy, lines, monkeypatch
):
    job_id = order()
    for _ in range(3):
        deliver(job_id, time_left=lambda: False)
    monkeypatch.setattr(storage, "JOB_TIMEOUTS", Timeouts(connect_seconds=1, read_seconds=1, tries=1))
    s3_proxy.inject("UploadPart", http_proxy.delay_response(2), 1)

    deliver_until_it_ends(job_id)

    [(parts,)] = connection.execute("select jsonb_array_length(jobs.progress -> 'tags') from jobs")
    assert lines(job_id) == expected
    assert s3_proxy.requests["UploadPart"] == parts + 1 > 3
