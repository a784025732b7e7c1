"""Every sample event runs through its handler and gets the answer that its reader expects."""

import importlib
import json
from types import SimpleNamespace

import pytest

from segmentation import schema
from tests.functions.calls import EVENTS, Answer, answer_of, call, invoke, sample
from tests.functions.factories import add_members, create_segments, done

SLUG = "AVITO_DISCOUNT_30"
EXPECTED = {
    "batch_list_memberships": (200, {"users"}),
    "change_memberships": (200, {"segments_added", "segments_deleted"}),
    "check_health": (200, {"status", "database", "schema_version"}),
    "create_action": (201, {"name", "operation"}),
    "create_report": (202, {"job_id"}),
    "create_segment": (201, {"created_at", "slug", "user_percent", "description", "users_added"}),
    "create_user": (200, {"user_id"}),
    "create_user_report": (200, {"report_link", "expires_at", "rows"}),
    "delete_action": (200, {"message"}),
    "delete_segment": (200, {"message"}),
    "delete_user": (200, {"message", "segments_deleted"}),
    "get_segment": (200, {"slug", "user_percent", "description", "created_at", "updated_at", "members"}),
    "list_actions": (200, {"actions", "next_cursor"}),
    "list_memberships": (200, {"segments"}),
    "list_segment_users": (200, {"users", "next_cursor"}),
    "list_segments": (200, {"segments", "next_cursor"}),
    "list_users": (200, {"users", "next_cursor"}),
    "open_report": (404, {"type", "title", "status", "detail"}),
    "record_action": (
        201,
        {"slug", "operation", "action", "reason", "actor", "expires_at", "executed_at"},
    ),
    "reject_route": (404, {"type", "title", "status", "detail"}),
    "sign_in": (200, {"token", "token_type", "expires_in"}),
    "sign_up": (201, {"id"}),
    "show_openapi": (200, {"openapi", "info", "servers", "tags", "paths", "components"}),
    "show_job": (404, {"type", "title", "status", "detail"}),
    "update_membership": (200, {"slug", "added_at", "expires_at"}),
    "update_segment": (
        200,
        {"slug", "user_percent", "description", "created_at", "updated_at", "users_added", "users_deleted"},
    ),
}
HTTP_SAMPLES = sorted(path.stem for path in EVENTS.glob("*.json") if "isBase64Encoded" in sample(path.stem))
CREATES = {"create_segment", "create_action", "sign_up"}
ANSWERS_CSV = {"list_user_history"}
ANSWERS_HTML = {"open_docs"}


def run(function: str) -> Answer:
    return answer_of(invoke(function, sample(function)))


@pytest.fixture
def world(service, aws) -> None:
    """User 1000 is in the samples' segment, and the samples' action exists."""
    create_segments(SLUG, "AVITO_VOICE")
    add_members(SLUG, 1000)
    done(call("create_action", {"name": "exposure"}))
    done(call("sign_up", {"username": "bob", "password": "correct horse battery staple"}))


@pytest.mark.parametrize("function", sorted({*HTTP_SAMPLES} - CREATES - ANSWERS_CSV - ANSWERS_HTML))
def test_sample_event_gets_the_answer_of_its_route(world, function):
    answer = run(function)

    status, members = EXPECTED[function]
    assert answer.status == status
    assert answer.json.keys() == members


@pytest.mark.parametrize("function", sorted(CREATES))
def test_sample_event_that_creates_something_creates_it(service, function):
    answer = run(function)

    status, members = EXPECTED[function]
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


def test_sample_event_of_expire_memberships_finds_nothing_due(world):
    minute = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)

    answer = importlib.import_module("functions.expire_memberships.app").handler(sample("expire_memberships"), minute)

    assert (answer["removed"], answer["remaining"]) == (0, 0)


def test_sample_event_of_run_job_names_a_job_that_is_gone_and_is_done_with_it(world):
    minute = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)

    answer = importlib.import_module("functions.run_job.app").handler(sample("run_job"), minute)

    assert answer == {"batchItemFailures": []}


def test_sample_event_of_change_memberships_adds_one_segment(service):
    create_segments(SLUG)

    answer = run("change_memberships")

    assert answer.json == {"segments_added": 1, "segments_deleted": 0}


def test_sample_event_of_batch_names_users_in_its_order(world):
    answer = run("batch_list_memberships")

    assert answer.json == {"users": [{"user_id": 1000, "segments": [SLUG]}, {"user_id": 1001, "segments": []}]}


def test_sample_event_of_apply_migrations_finds_the_schema_up_to_date(empty_database, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", empty_database.url)
    monkeypatch.setenv("DATABASE_OWNER_URL", empty_database.owner_url)

    answer = invoke("apply_migrations", sample("apply_migrations"))

    assert answer == {"schema_version": schema.migrations()[-1].version, "applied": []}


def test_sample_event_of_authorize_request_has_a_token_that_nobody_signed():
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        invoke("authorize_request", sample("authorize_request"))


def test_sample_events_carry_the_length_of_their_bodies():
    for function in HTTP_SAMPLES:
        event = sample(function)

        has_length = "content-length" in event["headers"]

        assert has_length == ("body" in event), json.dumps(event["headers"])
