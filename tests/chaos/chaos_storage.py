"""S3 refuses, hangs up, answers late, by half or not at all: no request hangs, and every report ends as it should."""

import time
from contextlib import suppress

import httpx
import pytest
from botocore.exceptions import EndpointConnectionError

from segmentation.contract.problems import StorageUnavailable
from segmentation.jobs import leases, queue, worker
from segmentation.reports import storage
from segmentation.runtime.timeouts import Patience
from tests.chaos import meddler
from tests.chaos.spoilt_aws import aws as aws
from tests.chaos.spoilt_aws import of_s3 as of_s3
from tests.chaos.spoilt_aws import of_sqs as of_sqs
from tests.chaos.spoilt_aws import s3_line as s3_line
from tests.chaos.spoilt_aws import sqs_line as sqs_line
from tests.functions.calls import call
from tests.integration.fix_jobs import NEVER_OVER
from tests.integration.fix_jobs import deliver as deliver
from tests.integration.fix_jobs import expected as expected
from tests.integration.fix_jobs import filled as filled
from tests.integration.fix_jobs import lines as lines
from tests.integration.fix_jobs import order as order
from tests.integration.fix_jobs import small_batches as small_batches
from tests.stopwatch import Stopwatch

AUGUST = {"year": "2023", "month": "8"}
FUNCTION_SECONDS = 15
PASSING = {
    "500": meddler.refusal(500, "InternalError"),
    "503": meddler.refusal(503, "SlowDown"),
    "hang up": meddler.hang_up,
    "half a question": meddler.cut_the_question,
    "half an answer": meddler.cut_the_answer,
    "no answer": meddler.lose_the_answer,
}
"""What S3 does now and then, and does not do when asked again."""


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
    """The name of a user's report that is there."""
    link = ask_for_report()[0].json["report_link"]
    return link.partition("?")[0].rpartition("/")[2]


def assert_unavailable_in_time(answer, seconds):
    assert (answer.status, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"] == "2"
    assert answer.json["type"] == "urn:segmentation:problem:storage-unavailable"
    assert seconds <= storage.OF_REQUESTS.most_seconds < FUNCTION_SECONDS


@pytest.mark.parametrize("fault", PASSING)
def test_a_users_report_does_not_notice_what_passes(service, aws, of_s3, fault):
    of_s3.spoil("PutObject", PASSING[fault], 2)

    answer, _ = ask_for_report()

    assert (answer.status, of_s3.asked["PutObject"]) == (200, 3)
    assert len(aws.names()) == 1


@pytest.mark.parametrize("fault", [*PASSING.values(), meddler.refusal(403, "AccessDenied")])
def test_a_users_report_is_unavailable_where_nothing_helps(service, aws, of_s3, fault):
    of_s3.spoil("PutObject", fault)

    answer, seconds = ask_for_report()

    assert_unavailable_in_time(answer, seconds)


def test_a_users_report_does_not_wait_for_a_store_that_does_not_answer(service, aws, of_s3):
    of_s3.spoil("PutObject", meddler.keep_waiting(FUNCTION_SECONDS))

    answer, seconds = ask_for_report()

    assert_unavailable_in_time(answer, seconds)


@pytest.mark.parametrize("fault", PASSING)
def test_a_fresh_link_does_not_notice_what_passes(report, of_s3, fault):
    of_s3.spoil("HeadObject", PASSING[fault], 2)

    answer, _ = open_report(report)

    assert answer.status == 302


@pytest.mark.parametrize("fault", [*PASSING.values(), meddler.keep_waiting(FUNCTION_SECONDS)])
def test_a_fresh_link_is_unavailable_where_nothing_helps(report, of_s3, fault):
    of_s3.spoil("HeadObject", fault)

    answer, seconds = open_report(report)

    assert_unavailable_in_time(answer, seconds)


def test_a_link_is_good_as_often_as_asked_but_only_until_it_ends(report, monkeypatch):
    lasting = storage.link(report).url
    monkeypatch.setattr(storage, "LINK_SECONDS", 1)
    ending = storage.link(report).url
    time.sleep(2)

    *asked, ended = [httpx.get(link, trust_env=False) for link in (lasting, lasting, ending)]

    assert [answer.status_code for answer in asked] == [200, 200]
    assert "<Code>AccessDenied</Code>" in ended.text


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_link_to_read_lets_nobody_write(report, aws, method):
    before = aws.text(report)

    answer = httpx.request(method, storage.link(report).url, content=b"mine now", trust_env=False)

    assert answer.status_code == 403
    assert aws.text(report) == before


OF_A_REPORT = ("CreateMultipartUpload", "UploadPart", "ListMultipartUploads", "CompleteMultipartUpload")
REFUSED_ONCE = {
    "refused": meddler.refusal(403, "AccessDenied"),
    "refused with a success's status": meddler.refusal(200, "InternalError"),
}
"""What botocore does not ask again for, or would take for an answer."""


@pytest.fixture
def deliver_until_it_ends(connection, deliver):
    """Deliver a job as the queue does, until it has ended."""

    def run(job_id):
        for _ in range(leases.MAX_ATTEMPTS + 1):
            with suppress(StorageUnavailable, EndpointConnectionError):
                deliver(job_id, **NEVER_OVER)
        return leases.get(connection, job_id)

    return run


@pytest.mark.parametrize("operation", OF_A_REPORT)
@pytest.mark.parametrize("fault", [*PASSING, *REFUSED_ONCE])
def test_a_months_report_is_the_same_whatever_passes(
    filled, expected, order, deliver_until_it_ends, aws, of_s3, lines, operation, fault
):
    job_id = order()
    of_s3.spoil(operation, (PASSING | REFUSED_ONCE)[fault], 1)

    job = deliver_until_it_ends(job_id)

    assert of_s3.asked[operation] >= 2
    assert (job.status, lines(job_id)) == ("succeeded", expected)
    assert (len(aws.names()), aws.uploads()) == (1, [])


@pytest.mark.parametrize("operation", OF_A_REPORT)
@pytest.mark.parametrize("fault", ["hang up", "refused"])
def test_a_months_report_fails_where_nothing_helps_and_is_made_when_its_dead_letter_is_sent_again(
    connection, filled, expected, order, deliver_until_it_ends, aws, of_s3, lines, operation, fault
):
    job_id = order()
    of_s3.spoil(operation, (PASSING | REFUSED_ONCE)[fault])
    failed = deliver_until_it_ends(job_id)
    assert (failed.status, aws.names()) == ("failed", [])
    of_s3.mend()

    worker.receive(connection, queue.read(aws.dead_letters()[0]), **NEVER_OVER)

    assert lines(job_id) == expected
    assert (len(aws.names()), aws.uploads()) == (1, [])


def test_a_months_report_goes_on_at_the_part_that_was_not_answered(
    connection, filled, expected, order, deliver, deliver_until_it_ends, of_s3, lines, monkeypatch
):
    job_id = order()
    for _ in range(3):
        deliver(job_id, time_left=lambda: False)
    monkeypatch.setattr(storage, "OF_JOBS", Patience(connect_seconds=1, read_seconds=1, tries=1))
    of_s3.spoil("UploadPart", meddler.keep_waiting(2), 1)

    deliver_until_it_ends(job_id)

    [(parts,)] = connection.execute("select jsonb_array_length(jobs.progress -> 'tags') from jobs")
    assert lines(job_id) == expected
    assert of_s3.asked["UploadPart"] == parts + 1 > 3
