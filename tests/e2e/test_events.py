"""Each event of events/ in a real Lambda runtime, as `sam local invoke` and the console would send it."""

import json

import pytest

from local import invocation
from tests.functions.calls import EVENTS, sample
from tests.samples import ANSWERS_CSV, ANSWERS_HTML, ANSWERS_METRICS, CREATES, EXPECTED, HTTP_SAMPLES, SLUG, expected

FORMS = {name: (200, "text/csv; charset=utf-8") for name in ANSWERS_CSV}
FORMS |= {name: (200, "text/html; charset=utf-8") for name in ANSWERS_HTML}
FORMS |= {name: (200, "text/plain; version=0.0.4; charset=utf-8") for name in ANSWERS_METRICS}


@pytest.fixture
def send(local_run):
    """Invoke a function with one of the events."""

    def invoke(function, event=None):
        name = function.title().replace("_", "")
        return invocation.invoke(
            local_run.port + 1, name, json.loads((EVENTS / f"{event or function}.json").read_text())
        )

    return invoke


@pytest.fixture
def world(client, segment, change):
    """The data of the samples: user 1000 in a segment, an action, and an account."""
    segment(SLUG)
    segment("AVITO_VOICE")
    change(1000, add_segments=[SLUG])
    client.post("/action", json={"name": "exposure"}).raise_for_status()
    client.post("/auth/sign-up", json=json.loads(sample("sign_in")["body"])).raise_for_status()


@pytest.mark.parametrize("function", sorted({*EXPECTED} - CREATES))
def test_event_is_answered(world, send, function):
    answer = send(function)

    status, members = expected(function)
    assert (answer["statusCode"], {*json.loads(answer["body"])}) == (status, members)


@pytest.mark.parametrize("function", sorted(CREATES))
def test_event_that_creates_something_creates_it(owner, send, function):
    assert send(function)["statusCode"] == 201


@pytest.mark.parametrize("function", sorted(FORMS))
def test_event_that_asks_for_another_form_gets_it(world, send, function):
    answer = send(function)

    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == FORMS[function]


def test_every_http_event_is_sent():
    assert {*HTTP_SAMPLES} == {*EXPECTED, *FORMS}


def test_event_of_the_schedule_removes_expired_memberships(owner, send):
    assert send("expire_memberships").keys() == {"removed", "remaining", "oldest_age_seconds"}


def test_event_of_a_deployment_finds_nothing_to_migrate(local_run, send):
    assert send("apply_migrations")["applied"] == []


def test_event_of_a_deleted_job_succeeds(owner, send):
    assert send("run_job") == {"batchItemFailures": []}


def test_only_the_invalid_message_comes_again(owner, send):
    answer = send("run_job", "edge_cases/run_job-poison_message")

    assert answer == {"batchItemFailures": [{"itemIdentifier": "8d2b1c9e-55f7-4c53-8a55-3f0d9d4e6b10"}]}


@pytest.mark.parametrize(
    ("function", "case", "status"),
    [
        ("create_user", "no_body", 201),
        ("create_segment", "base64_body", 201),
        ("create_segment", "form_content_type", 201),
        ("create_segment", "form", 415),
    ],
)
def test_body_is_read_in_every_encoding(owner, send, function, case, status):
    answer = send(function, f"edge_cases/{function}-{case}")

    assert answer["statusCode"] == status
