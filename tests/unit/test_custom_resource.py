"""CloudFormation's custom resource. A small HTTP server replaces CloudFormation."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError

import pytest

from segmentation.runtime import custom_resource

REASON = "password=not-a-secret"


class CloudFormation(BaseHTTPRequestHandler):
    """Record each response that is sent with PUT."""

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append((self.path, self.headers["content-type"], json.loads(body)))
        self.send_response(self.server.statuses.pop() if self.server.statuses else 200)
        self.end_headers()

    def log_message(self, *_):
        """Write no access log."""


@pytest.fixture
def cloud_formation():
    with HTTPServer(("127.0.0.1", 0), CloudFormation) as server:
        server.received, server.statuses = [], []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def event(cloud_formation):
    return {
        "RequestType": "Create",
        "ResponseURL": f"http://127.0.0.1:{cloud_formation.server_port}/answer?Signature=x%3D",
        "StackId": "arn:stack",
        "RequestId": "request-1",
        "LogicalResourceId": "Schema",
        "ResourceProperties": {},
    }


def fail():
    raise RuntimeError(REASON)


def the_response(cloud_formation):
    [(_, _, answer)] = cloud_formation.received
    return answer


def test_event_with_a_response_url_is_a_request(event):
    assert custom_resource.is_request(event)
    assert not custom_resource.is_request({})


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_success_is_sent_with_its_data(cloud_formation, event, kind):
    custom_resource.answer({**event, "RequestType": kind}, lambda: {"schema_version": 1})

    assert the_response(cloud_formation) == {
        "Status": "SUCCESS",
        "Data": {"schema_version": 1},
        "PhysicalResourceId": "Schema",
        "StackId": "arn:stack",
        "RequestId": "request-1",
        "LogicalResourceId": "Schema",
    }


def test_data_is_returned_too(event):
    assert custom_resource.answer(event, lambda: {"schema_version": 1}) == {"schema_version": 1}


def test_signed_link_is_used_unchanged(cloud_formation, event):
    custom_resource.answer(event, dict)

    [(path, content_type, _)] = cloud_formation.received
    assert (path, content_type) == ("/answer?Signature=x%3D", "")


def test_failure_is_sent_without_its_message(cloud_formation, event):
    custom_resource.answer(event, fail)

    answer = the_response(cloud_formation)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "Schema")
    assert "RuntimeError" in answer["Reason"]
    assert REASON not in json.dumps(answer)


def test_every_kind_of_error_is_sent_as_a_failure(cloud_formation, event):
    custom_resource.answer({**event, "RequestType": "Update"}, lambda: {}["missing"])

    assert the_response(cloud_formation)["Status"] == "FAILED"


LAYER = "arn:aws:lambda:eu-central-1:123456789012:layer:segmentation:"


def update(event, *, of, to):
    of, to = ({"LayerVersion": f"{LAYER}{number}"} for number in (of, to))
    return {**event, "RequestType": "Update", "OldResourceProperties": of, "ResourceProperties": to}


def test_a_failure_while_a_deployment_rolls_back_lets_the_roll_back_go_on(cloud_formation, event):
    custom_resource.answer(update(event, of=10, to=9), fail)

    assert the_response(cloud_formation)["Status"] == "SUCCESS"


@pytest.mark.parametrize(("of", "to"), [(9, 10), (9, 9)])
def test_a_failure_of_an_update_makes_the_deployment_roll_back(cloud_formation, event, of, to):
    custom_resource.answer(update(event, of=of, to=to), fail)

    assert the_response(cloud_formation)["Status"] == "FAILED"


def test_deletion_does_nothing_and_succeeds(cloud_formation, event):
    custom_resource.answer({**event, "RequestType": "Delete"}, fail)

    assert the_response(cloud_formation)["Status"] == "SUCCESS"


def test_rejected_response_is_sent_again(cloud_formation, event, monkeypatch):
    monkeypatch.setattr(custom_resource, "PAUSES_SECONDS", (0, 0))
    cloud_formation.statuses = [503, 500]

    custom_resource.answer(event, lambda: {"schema_version": 1})

    assert [answer["Status"] for _, _, answer in cloud_formation.received] == ["SUCCESS"] * 3


def test_response_that_is_always_rejected_fails_the_invocation(cloud_formation, event, monkeypatch):
    monkeypatch.setattr(custom_resource, "PAUSES_SECONDS", (0, 0))
    cloud_formation.statuses = [503] * 3

    with pytest.raises(HTTPError):
        custom_resource.answer(event, lambda: {"schema_version": 1})
