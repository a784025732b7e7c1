"""SQS refuses, disconnects or responds late. No request waits for it, and no job is lost or done twice."""

import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ConnectionClosedError

from functions.expire_memberships.app import handler as run_schedule
from functions.run_job.app import handler as run_job
from segmentation.jobs import leases, queue
from tests.chaos import http_proxy
from tests.chaos.faulty_aws import aws as aws
from tests.chaos.faulty_aws import faulty_s3 as faulty_s3
from tests.chaos.faulty_aws import faulty_sqs as faulty_sqs
from tests.chaos.faulty_aws import s3_proxy as s3_proxy
from tests.chaos.faulty_aws import sqs_proxy as sqs_proxy
from tests.functions.calls import call, sample
from tests.stopwatch import Stopwatch

FUNCTION_SECONDS = 15
MINUTES = SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)
FAULTS = {
    "500": http_proxy.error_response(500, "InternalFailure"),
    "403": http_proxy.error_response(403, "AccessDenied"),
    "disconnect": http_proxy.disconnect,
    "no response": http_proxy.delay_response(FUNCTION_SECONDS),
}


@pytest.fixture(autouse=True)
def service_with_aws(service, aws):
    """Give every test here the service and AWS."""


def order():
    """Order a report. Return its job and the seconds that the request took."""
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


@pytest.mark.parametrize("fault", FAULTS)
def test_order_does_not_wait_for_sqs_and_the_schedule_sends_its_message(aws, sqs_proxy, owner, fault):
    sqs_proxy.inject("SendMessage", FAULTS[fault])
    job_id, seconds = order()
    aws.messages()  # take off the messages that were sent although the response was lost
    sqs_proxy.reset()
    let_time_pass(owner)

    run_schedule({}, MINUTES)

    assert seconds < queue.TIMEOUTS.max_seconds < FUNCTION_SECONDS
    assert aws.messages() == [job_id]


def test_message_whose_response_was_lost_is_sent_twice_and_done_once(aws, sqs_proxy):
    sqs_proxy.inject("SendMessage", http_proxy.drop_response, 1)
    job_id, _ = order()

    answers = [run_job(delivery_of(message), MINUTES) for message in aws.messages()]

    assert answers == [{"batchItemFailures": []}] * 2
    assert (show(job_id)["status"], len(aws.names())) == ("succeeded", 1)


def test_run_that_cannot_send_fails_and_a_later_run_sends(aws, sqs_proxy, owner):
    job_id, _ = order()
    aws.messages()
    let_time_pass(owner)
    sqs_proxy.inject("SendMessage", http_proxy.disconnect)
    with pytest.raises(ConnectionClosedError):
        run_schedule({}, MINUTES)
    sqs_proxy.reset()
    let_time_pass(owner)

    run_schedule({}, MINUTES)

    assert aws.messages() == [job_id]
