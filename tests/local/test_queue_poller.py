"""The poller of the queues that feed functions."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from local import queue_poller
from local.queue_poller import Mapping

PROJECT = Path(__file__).parents[2]
JOBS = Mapping("JobsQueue", "RunJob", batch=1, at_once=2, partial=True, retry_seconds=30)


class Source:
    """Queues in memory."""

    def __init__(self, *messages):
        self.messages = list(messages)
        self.deleted = []
        self.given_back = []

    def receive(self, _, most):
        received, self.messages = self.messages[:most], self.messages[most:]
        return received

    def delete(self, _, message):
        self.deleted.append(message["MessageId"])

    def give_back(self, _, message, seconds):
        self.given_back.append((message["MessageId"], seconds))


def message(number=1, **members):
    return {
        "MessageId": f"id-{number}",
        "ReceiptHandle": "handle",
        "Body": '{"job_id": "1"}',
        "MD5OfBody": "md5",
        "Attributes": {"ApproximateReceiveCount": "1"},
        **members,
    }


def says(*ids):
    return {"batchItemFailures": [{"itemIdentifier": each} for each in ids]}


def test_mappings_are_those_of_the_template():
    assert [*queue_poller.mappings(PROJECT / "template.yaml", 60)] == [JOBS]


def test_failed_messages_come_back_sooner_with_shorter_minutes():
    [mapping] = queue_poller.mappings(PROJECT / "template.yaml", 2)

    assert mapping.retry_seconds == 1


def test_the_event_has_the_members_of_the_sample():
    sample = json.loads((PROJECT / "events" / "run_job.json").read_text())

    event = queue_poller.event(JOBS, [message()])

    assert event.keys() == sample.keys()
    assert event["Records"][0].keys() == sample["Records"][0].keys()
    assert event["Records"][0]["eventSourceARN"].endswith(":JobsQueue")


def test_attributes_of_a_message_are_passed_on():
    sent = message(MessageAttributes={"kind": {"DataType": "String", "StringValue": "report"}})

    [record] = queue_poller.event(JOBS, [sent])["Records"]

    assert record["messageAttributes"] == {
        "kind": {"dataType": "String", "stringValue": "report", "stringListValues": [], "binaryListValues": []}
    }


def test_a_message_goes_to_the_function_and_is_deleted(endpoint):
    source = Source(message())

    queue_poller.poll(JOBS, source, endpoint.server_port)

    [(path, event)] = endpoint.received
    assert path == "/2015-03-31/functions/RunJob/invocations"
    assert [record["messageId"] for record in event["Records"]] == ["id-1"]
    assert source.deleted == ["id-1"]


def test_an_empty_queue_invokes_nothing(endpoint):
    queue_poller.poll(JOBS, Source(), endpoint.server_port)

    assert endpoint.received == []


def test_a_batch_has_at_most_the_size_of_the_template(endpoint):
    source = Source(message(1), message(2), message(3))

    queue_poller.poll(replace(JOBS, batch=2), source, endpoint.server_port)

    assert source.deleted == ["id-1", "id-2"]


def test_a_message_that_failed_alone_comes_back(endpoint):
    endpoint.answer = says("id-2")
    source = Source(message(1), message(2))

    queue_poller.poll(replace(JOBS, batch=2), source, endpoint.server_port)

    assert source.deleted == ["id-1"]
    assert source.given_back == [("id-2", 30)]


def test_all_messages_come_back_after_a_function_error(endpoint, capsys):
    endpoint.failing = True
    source = Source(message(1), message(2))

    queue_poller.poll(replace(JOBS, batch=2), source, endpoint.server_port)

    assert source.deleted == []
    assert source.given_back == [("id-1", 30), ("id-2", 30)]
    assert "JobsQueue: RunJob failed" in capsys.readouterr().out


def test_a_function_that_cannot_be_reached_loses_no_message(capsys):
    source = Source(message())

    queue_poller.poll(JOBS, source, 1)

    assert source.given_back == [("id-1", 30)]
    assert "could not be reached" in capsys.readouterr().out


def test_partial_responses_are_ignored_unless_the_template_enables_them(endpoint):
    endpoint.answer = says("id-1")
    source = Source(message())

    queue_poller.poll(replace(JOBS, partial=False), source, endpoint.server_port)

    assert source.deleted == ["id-1"]


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}])
def test_an_empty_response_means_that_nothing_failed(answer):
    assert queue_poller.failures(answer, [message()]) == set()


@pytest.mark.parametrize(
    "answer",
    ["nonsense", [1], says("another"), says(""), says(None), {"batchItemFailures": [{"id": 1}]}, says({})],
)
def test_an_invalid_response_means_that_all_failed(answer):
    assert queue_poller.failures(answer, [message()]) == {"id-1"}
