"""The template's queues, on the SQS of the local run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from local import ports, processes, queues, replay, sqs, template
from local.queues import Queues

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    port = ports.free()
    server = sqs.start(port, tmp_path_factory.mktemp("sqs") / "log", {})
    processes.wait_until_listening(server, port)
    yield Queues(port)
    server.stop()


@pytest.fixture
def inbox(source, tmp_path):
    """A queue that moves a message to its dead letters after two receives."""
    path = tmp_path / "template.yaml"
    path.write_text(
        """
        Resources:
          Inbox:
            Type: AWS::SQS::Queue
            Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt Rejected.Arn, maxReceiveCount: 2}}
          Rejected: {Type: "AWS::SQS::Queue"}
        """
    )
    source.create(path)
    yield "Inbox"
    for name in ("Inbox", "Rejected"):
        source.client.delete_queue(QueueUrl=source.url(name))


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Return at once from an empty queue."""
    monkeypatch.setattr(queues, "LONG_POLL_SECONDS", 0)


def send(source, text):
    source.client.send_message(QueueUrl=source.url("Inbox"), MessageBody=text)


def bodies(source, name):
    return [message["Body"] for message in source.receive(name, 10)]


def test_queues_have_the_attributes_of_the_template():
    found = {
        name: queues.attributes(properties)
        for name, properties in template.of_type(PROJECT / "template.yaml", queues.KIND).items()
    }

    assert found["JobsQueue"]["VisibilityTimeout"] == "1800"
    assert json.loads(found["JobsQueue"]["RedrivePolicy"]) == {
        "deadLetterTargetArn": queues.arn("JobsDeadLetters"),
        "maxReceiveCount": 5,
    }
    assert "RedrivePolicy" not in found["JobsDeadLetters"]


def test_a_message_has_its_receive_count(source, inbox):
    send(source, "work")

    [message] = source.receive(inbox, 1)

    assert message["Body"] == "work"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_a_received_message_is_invisible(source, inbox):
    send(source, "work")
    source.receive(inbox, 1)

    assert bodies(source, inbox) == []


def test_a_message_that_is_given_back_comes_again(source, inbox):
    send(source, "work")
    [message] = source.receive(inbox, 1)

    source.give_back(inbox, message, 0)

    assert bodies(source, inbox) == ["work"]


def test_a_deleted_message_never_comes_again(source, inbox):
    send(source, "work")
    [message] = source.receive(inbox, 1)
    source.give_back(inbox, message, 0)

    source.delete(inbox, message)

    assert bodies(source, inbox) == []


def test_a_message_that_is_given_back_too_often_becomes_a_dead_letter(source, inbox):
    send(source, "poison")
    for _ in range(2):
        [message] = source.receive(inbox, 1)
        source.give_back(inbox, message, 0)

    assert bodies(source, inbox) == []
    assert bodies(source, "Rejected") == ["poison"]


def test_replayed_dead_letters_are_new_messages(source, inbox, tmp_path):
    for number in range(12):
        source.client.send_message(QueueUrl=source.url("Rejected"), MessageBody=f"letter {number}")

    replayed = replay.replay(source, tmp_path / "template.yaml")

    again = [message for _ in range(2) for message in source.receive(inbox, 10)]
    assert replayed == len({message["Body"] for message in again}) == 12
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in again} == {"1"}
    assert bodies(source, "Rejected") == []


def test_replay_without_a_run_prints_a_sentence(tmp_path):
    command = [sys.executable, "-m", "local.replay", "--port", str(ports.free() - 3)]

    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30)  # noqa: S603 -- our own

    assert answer.returncode == 1
    assert "No local run has its queues on port" in answer.stderr


def test_receiving_from_an_unknown_queue_is_an_error(source):
    with pytest.raises(source.client.exceptions.QueueDoesNotExist, match="ReceiveMessage"):
        source.receive("Nowhere", 1)


def test_the_profile_and_the_proxy_of_the_developer_have_no_influence(source, inbox, monkeypatch):
    for name, value in {"AWS_PROFILE": "missing", "HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": ""}.items():
        monkeypatch.setenv(name, value)

    assert Queues(source.port).receive(inbox, 1) == []
