"""Every sample event runs through its handler and gets the answer that tests/samples.py expects."""

import importlib
import json
from types import SimpleNamespace

import pytest

from segmentation.database import migrate
from tests.functions.calls import Answer, answer_of, invoke, sample
from tests.functions.factories import create_samples_world, create_segments
from tests.samples import ANSWERS_CSV, ANSWERS_HTML, ANSWERS_METRICS, CREATES, HTTP_SAMPLES, SLUG, expected


def run(function: str) -> Answer:
    return answer_of(invoke(function, sample(function)))


@pytest.fixture
def world(service, aws) -> None:
    create_samples_world()


@pytest.mark.parametrize("function", sorted({*HTTP_SAMPLES} - CREATES - ANSWERS_CSV - ANSWERS_HTML - ANSWERS_METRICS))
def test_sample_event_gets_the_answer_of_its_route(world, function):
    answer = run(function)

    status, members = expected(function)
    assert answer.status == status
    assert answer.json.keys() == members


@pytest.mark.parametrize("function", sorted(CREATES))
def test_sample_event_that_creates_something_creates_it(service, function):
    answer = run(function)

    status, members = expected(function)
    assert answer.status == status
    assert answer.json.keys() == members


def test_sample_event_of_list_user_history_is_answered_in_csv(world):
    answer = run("list_user_history")

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert SLUG in answer.text


def test_sample_event_of_open_docs_is_answered_with_a_compressed_page():
    answer = run("open_docs")

    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["content-encoding"] == "gzip"


def test_sample_event_of_show_metrics_is_answered_in_prometheus_text_format(world):
    answer = run("show_metrics")

    assert answer.status == 200
    assert "\nsegmentation_users 1.0\n" in answer.text


def test_sample_event_of_expire_memberships_finds_nothing_due(world):
    minute = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)

    answer = importlib.import_module("functions.expire_memberships.app").handler(sample("expire_memberships"), minute)

    assert (answer["removed"], answer["remaining"]) == (0, 0)


def test_sample_event_of_run_job_for_a_missing_job_succeeds(world):
    minute = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)

    answer = importlib.import_module("functions.run_job.app").handler(sample("run_job"), minute)

    assert answer == {"batchItemFailures": []}


def test_sample_event_of_change_memberships_adds_one_segment(service):
    create_segments(SLUG)

    answer = run("change_memberships")

    assert answer.json == {"segments_added": 1, "segments_deleted": 0}


def test_sample_event_of_batch_list_memberships_keeps_the_order(world):
    answer = run("batch_list_memberships")

    assert answer.json == {"users": [{"user_id": 1000, "segments": [SLUG]}, {"user_id": 1001, "segments": []}]}


def test_sample_event_of_apply_migrations_finds_the_schema_up_to_date(empty_database, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", empty_database.url)
    monkeypatch.setenv("DATABASE_OWNER_URL", empty_database.owner_url)

    answer = invoke("apply_migrations", sample("apply_migrations"))

    assert answer == {"schema_version": migrate.migrations()[-1].version, "applied": []}


def test_sample_event_of_authorize_request_has_an_unsigned_token():
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        invoke("authorize_request", sample("authorize_request"))


def test_sample_events_carry_the_length_of_their_bodies():
    for function in HTTP_SAMPLES:
        event = sample(function)

        has_length = "content-length" in event["headers"]

        assert has_length == ("body" in event), json.dumps(event["headers"])
