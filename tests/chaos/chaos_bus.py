"""The event bus is away, throttles, refuses an entry, or its publisher is killed. A follower gets every event.

The bus is moto's. A rule sends its entries to a queue, which the tests read.
"""

import json
import os
import signal
from queue import SimpleQueue
from types import SimpleNamespace
from uuid import uuid4

import boto3
import pytest

from functions.expire_memberships.app import handler as run_schedule
from segmentation.domain import event_bus
from tests.chaos import http_proxy, killable_worker
from tests.chaos.faulty_aws import aws as aws
from tests.chaos.faulty_aws import faulty_s3 as faulty_s3
from tests.chaos.faulty_aws import faulty_sqs as faulty_sqs
from tests.chaos.faulty_aws import s3_proxy as s3_proxy
from tests.chaos.faulty_aws import sqs_proxy as sqs_proxy
from tests.e2e.waiting import eventually
from tests.functions.calls import call
from tests.functions.factories import change, create_segments, done
from tests.stopwatch import Stopwatch

MINUTES = SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)
SECONDS_OF_A_MINUTE = 60
PUBLISHING = "select from pg_locks where pg_locks.locktype = 'advisory' and pg_locks.classid = 9"
SLUGS = tuple(f"SEGMENT_{number}" for number in range(10))
FAULTS = {
    "throttled": http_proxy.error_response(400, "ThrottlingException"),
    "500": http_proxy.error_response(500, "InternalException"),
    "missing": http_proxy.error_response(400, "ResourceNotFoundException"),
    "disconnect": http_proxy.disconnect,
    "half a request": http_proxy.truncate_request,
    "half a response": http_proxy.truncate_response,
    "no response": http_proxy.drop_response,
    "late": http_proxy.delay_response(event_bus.TIMEOUTS.max_seconds + 1),
}


@pytest.fixture
def received(service, aws, sqs_proxy, faulty_sqs, monkeypatch):
    """Create a bus behind the proxy. Return a function that empties the queue behind the bus."""
    name = f"segments-{uuid4()}"
    monkeypatch.setenv("EVENT_BUS_NAME", name)
    monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", sqs_proxy.url)
    event_bus._client.cache_clear()
    queue_url = faulty_sqs.client.create_queue(QueueName=name)["QueueUrl"]
    found = faulty_sqs.client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    events = boto3.client("events", endpoint_url=faulty_sqs.client.meta.endpoint_url)
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"source": [event_bus.SOURCE]}))
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": found["Attributes"]["QueueArn"]}])
    yield lambda: ids_in(faulty_sqs.client, queue_url)
    event_bus._client.cache_clear()
    faulty_sqs.client.delete_queue(QueueUrl=queue_url)


def ids_in(sqs, queue_url):
    """Take the entries off a queue, and return the ids of their events."""
    found = []
    while messages := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found += [event["event_id"] for event in json.loads(message["Body"])["detail"]["events"]]
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return found


@pytest.fixture
def changed(received):
    """Change ten memberships after the bus has begun. Return the ids of their events, as the feed shows them."""
    run_schedule({}, MINUTES)
    create_segments(*SLUGS)
    done(change(1, add=SLUGS))
    return [event["event_id"] for event in done(call("list_events", path="/event"))["events"]]


@pytest.mark.parametrize("fault", FAULTS)
def test_run_without_the_bus_succeeds_in_time_and_a_later_run_publishes(changed, received, sqs_proxy, fault):
    sqs_proxy.inject("PutEvents", FAULTS[fault])
    with Stopwatch() as stopwatch:
        run_schedule({}, MINUTES)
    before = received()
    sqs_proxy.reset()

    run_schedule({}, MINUTES)

    assert stopwatch.seconds < SECONDS_OF_A_MINUTE
    assert before in ([], changed)  # the bus has them where only its response was lost
    assert received() == changed


def refuse_entry(index):
    """Let the bus take all entries of a request but one."""

    def fault(exchange):
        request = json.loads(exchange.body())
        del request["Entries"][index]
        sent = json.dumps(request).encode()
        exchange.headers.replace_header("content-length", str(len(sent)))
        exchange.body = lambda: sent
        status, headers, body = exchange.forward()
        del exchange.body  # the next request on this connection has its own
        answer = json.loads(body)
        answer["Entries"].insert(index, {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"})
        exchange.respond(status, headers, json.dumps(answer | {"FailedEntryCount": 1}).encode())

    return fault


@pytest.mark.parametrize("index", [0, 4, 9])
def test_refused_entry_of_ten_is_sent_again_with_all_after_it(changed, received, sqs_proxy, index):
    sqs_proxy.inject("PutEvents", refuse_entry(index), 1)
    run_schedule({}, MINUTES)
    first = received()

    run_schedule({}, MINUTES)

    assert first == changed[:index] + changed[index + 1 :]
    assert received() == changed[index:]


@pytest.mark.parametrize("has_arrived", [True, False], ids=["after PutEvents", "before PutEvents"])
def test_killed_publisher_loses_no_event_and_the_next_one_begins_where_it_began(
    changed, received, sqs_proxy, superuser, has_arrived
):
    publishers = SimpleQueue()

    def kill(exchange):
        if has_arrived:
            exchange.forward()
        os.kill(publishers.get(timeout=60), signal.SIGKILL)
        exchange.disconnect()

    sqs_proxy.inject("PutEvents", kill, 1)
    killed = killable_worker.start_publisher()
    publishers.put(killed.pid)
    killed.join()
    first = received()
    eventually(lambda: not superuser.execute(PUBLISHING).rowcount)  # Postgres ends the session a moment later

    run_schedule({}, MINUTES)

    assert killed.exitcode == -signal.SIGKILL
    assert first == (changed if has_arrived else [])
    assert received() == changed


def test_events_that_follow_during_an_outage_come_too(changed, received, sqs_proxy):
    sqs_proxy.inject("PutEvents", http_proxy.drop_response, 1)
    run_schedule({}, MINUTES)
    done(change(2, add=SLUGS[:3]))
    sqs_proxy.inject("PutEvents", http_proxy.disconnect, 1)
    run_schedule({}, MINUTES)
    done(change(1, delete=SLUGS))

    run_schedule({}, MINUTES)

    events = done(call("list_events", path="/event"))["events"]
    assert sorted({*received()}) == [event["event_id"] for event in events]
