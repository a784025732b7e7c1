"""SQS refuses, hangs up or answers late: nobody who orders a job waits for it, and no job is lost or done twice."""

import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ConnectionClosedError

from functions.expire_memberships.app import handler as run_schedule
from functions.run_job.app import handler as run_job
from segmentation.jobs import leases, queue
from tests.chaos import meddler
from tests.chaos.spoilt_aws import aws as aws
from tests.chaos.spoilt_aws import of_s3 as of_s3
from tests.chaos.spoilt_aws import of_sqs as of_sqs
from tests.chaos.spoilt_aws import s3_line as s3_line
from tests.chaos.spoilt_aws import sqs_line as sqs_line
from tests.functions.calls import call, sample
from tests.stopwatch import Stopwatch

FUNCTION_SECONDS = 15
MINUTES = SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)
AWAY = {
    "500": meddler.refusal(500, "InternalFailure"),
    "403": meddler.refusal(403, "AccessDenied"),
    "hang up": meddler.hang_up,
    "no answer": meddler.keep_waiting(FUNCTION_SECONDS),
}


@pytest.fixture(autouse=True)
def parts_of_aws(service, aws):
    """Every test here has the service and what it uses of AWS."""


def order():
    """Order a report, and return its job and how long that took."""
    with Stopwatch() as stopwatch:
        answer = call("create_report", {"year": 2023, "month": 8})
    assert answer.status == 202
    return answer.json["job_id"], stopwatch.seconds


def show(job_id):
    return call("show_job", path=f"/job/{job_id}").json


def delivery_of(job_id):
    event = sample("run_job")
    event["Records"][0]["body"] = json.dumps({"job_id": job_id})
    return event


def let_time_pass(owner):
    owner.execute("update jobs set queued_at = now() - make_interval(secs => %s)", (leases.REQUEUE_SECONDS + 1,))


@pytest.mark.parametrize("fault", AWAY)
def test_an_order_does_not_wait_for_the_queue_and_the_schedule_sends_its_message(aws, of_sqs, owner, fault):
    of_sqs.spoil("SendMessage", AWAY[fault])
    job_id, seconds = order()
    aws.messages()  # those that were sent though nobody was told
    of_sqs.mend()
    let_time_pass(owner)

    run_schedule({}, MINUTES)

    assert seconds < queue.PATIENCE.most_seconds < FUNCTION_SECONDS
    assert aws.messages() == [job_id]


def test_a_message_whose_answer_was_lost_is_sent_twice_and_done_once(aws, of_sqs):
    of_sqs.spoil("SendMessage", meddler.lose_the_answer, 1)
    job_id, _ = order()

    answers = [run_job(delivery_of(message), MINUTES) for message in aws.messages()]

    assert answers == [{"batchItemFailures": []}] * 2
    assert (show(job_id)["status"], len(aws.names())) == ("succeeded", 1)


def test_a_schedule_that_cannot_send_fails_and_a_later_one_sends(aws, of_sqs, owner):
    job_id, _ = order()
    aws.messages()
    let_time_pass(owner)
    of_sqs.spoil("SendMessage", meddler.hang_up)
    with pytest.raises(ConnectionClosedError):
        run_schedule({}, MINUTES)
    of_sqs.mend()
    let_time_pass(owner)

    run_schedule({}, MINUTES)

    assert aws.messages() == [job_id]
