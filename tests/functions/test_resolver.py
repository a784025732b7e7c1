"""What the resolver adds to every answer, and what it hides when the service fails."""

import json

import psycopg
import pytest

from segmentation.database import connection as database_connection
from segmentation.domain import segments
from tests.functions.calls import PROBLEM, Answer, answer_of, call, caller, invoke, sample
from tests.functions.factories import create_segments, done

JSON = "application/json; charset=utf-8"
SECRET = "s3cr3t-of-the-inside"  # noqa: S105 -- a marker that no answer may hold


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


def show_segment() -> Answer:
    return call("get_segment", path="/segment/AAA")


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [("/segment/AAA", {}, 200), ("/segment/NONE", {}, 404), ("/segment/A", {}, 422), ("/segment/AAA", {"q": "1"}, 422)],
)
def test_every_answer_has_the_request_id(service, path, query, status):
    create_segments("AAA")

    answer = call("get_segment", path=path, query=query)

    assert (answer.status, answer.headers["x-request-id"]) == (status, "sample-get-segment")


@pytest.mark.parametrize(
    ("function", "request_"),
    [
        ("get_segment", {"path": "/segment/AAA"}),
        ("get_segment", {"path": "/segment/NONE"}),
        ("get_segment", {"path": "/segment/A"}),
        ("list_memberships", {"path": "/segment/user/0"}),
        ("list_user_history", {"path": "/user/1/history", "headers": {"accept": "text/csv"}}),
        ("show_metrics", {}),
        ("check_health", {}),
        ("open_docs", {}),
        ("show_openapi", {}),
        ("reject_route", {"path": "/nowhere"}),
        ("reject_route", {"path": "/docs/"}),
    ],
)
def test_no_answer_may_be_stored_by_a_cache(service, function, request_):
    create_segments("AAA")

    assert call(function, **request_).headers["cache-control"] == "no-store"


def test_answer_that_replays_another_may_not_be_stored_by_a_cache(service):
    headers = {"idempotency-key": "a"}
    call("create_user", {"user_id": 1}, headers=headers)

    replayed = call("create_user", {"user_id": 1}, headers=headers)

    assert (replayed.headers["idempotent-replayed"], replayed.headers["cache-control"]) == ("true", "no-store")


def test_answer_is_json_in_utf_8(service):
    assert call("list_users").headers["content-type"] == JSON


def test_answer_with_another_status_is_json_in_utf_8(service):
    assert call("create_user").headers["content-type"] == JSON


@pytest.mark.parametrize("path", ["/segment/NONE", "/segment/A"])
def test_problem_is_a_problem_document(service, path):
    answer = call("get_segment", path=path)

    assert answer.headers["content-type"] == PROBLEM
    assert answer.json["status"] == answer.status
    assert answer.json["type"].startswith("urn:segmentation:problem:")


def test_body_of_a_client_error_has_no_request_id(service):
    assert "request_id" not in call("get_segment", path="/segment/NONE").json


@pytest.mark.parametrize("path", ["/", "/segments", "/segment//AAA", "/user/1/x", "/%00", "/\ud800"])
def test_unknown_route_is_a_404_problem(path):
    answer = call("reject_route", path=path)

    assert (answer.status, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.json["type"] == "urn:segmentation:problem:route-unknown"
    assert answer.headers["x-request-id"] == "sample-reject-route"


def test_unknown_route_is_404_with_any_query_and_body():
    answer = call("reject_route", "{", path="/nowhere", query={"a": "b"})

    assert answer.status == 404


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RuntimeError(SECRET), id="exception"),
        pytest.param(ValueError(SECRET), id="value-error"),
        pytest.param(KeyError(SECRET), id="key-error"),
        pytest.param(psycopg.errors.SyntaxError(f"syntax error: select {SECRET}"), id="sql-syntax-error"),
        pytest.param(psycopg.errors.UndefinedTable(f'relation "{SECRET}" does not exist'), id="undefined-table"),
        pytest.param(psycopg.errors.InsufficientPrivilege(SECRET), id="privilege"),
        pytest.param(psycopg.errors.CheckViolation(SECRET), id="unforeseen-constraint"),
    ],
)
def test_failure_is_500_with_the_request_id_and_leaks_nothing(service, monkeypatch, error):
    monkeypatch.setattr(segments, "get", failing(error))

    answer = show_segment()

    assert (answer.status, answer.headers["content-type"]) == (500, PROBLEM)
    assert answer.json.keys() == {"type", "title", "status", "detail", "request_id"}
    assert answer.json["request_id"] == answer.headers["x-request-id"] == "sample-get-segment"
    assert SECRET not in answer.text


def test_sql_that_the_database_refuses_is_not_shown(service, monkeypatch):
    monkeypatch.setattr(segments, "get", lambda connection, _: connection.execute("select 's3cr3t' from no_such_table"))

    answer = show_segment()

    assert answer.status == 500
    assert not [word for word in ("s3cr3t", "select", "no_such_table", "psycopg") if word in answer.text]


def insert_refused_row(connection, _):
    connection.execute("insert into segments (slug, description) values ('?', %s)", (SECRET,))


def fail_because_of_refused_row(connection, _):
    try:
        insert_refused_row(connection, _)
    except psycopg.Error as error:
        raise RuntimeError from error


@pytest.mark.parametrize("get", [insert_refused_row, fail_because_of_refused_row])
def test_row_that_the_database_refuses_is_not_in_the_log(service, monkeypatch, log, get):
    monkeypatch.setattr(segments, "get", get)

    answer = show_segment()

    assert answer.status == 500
    assert "CheckViolation" in log.text
    assert SECRET not in log.text


def test_answer_that_breaks_the_services_own_contract_is_500(service, monkeypatch):
    monkeypatch.setattr(segments, "get", lambda *_: {"slug": 5, "inner": SECRET})

    answer = show_segment()

    assert (answer.status, answer.headers["content-type"]) == (500, PROBLEM)
    assert SECRET not in answer.text


def test_failure_is_logged_with_its_request_id(service, monkeypatch, log):
    monkeypatch.setattr(segments, "get", failing(RuntimeError("why")))

    show_segment()

    [failure, _] = log.lines
    assert (failure["level"], failure["request_id"]) == ("ERROR", "sample-get-segment")


def test_service_answers_after_a_failure(service, monkeypatch):
    create_segments("AAA")
    with monkeypatch.context() as patch:
        patch.setattr(segments, "get", failing(RuntimeError()))
        show_segment()

    assert show_segment().status == 200


def test_request_without_settings_is_500(monkeypatch):
    database_connection.close()
    for name in ("DATABASE_URL", "DATABASE_SECRET_ARN"):
        monkeypatch.delenv(name, raising=False)

    answer = call("list_users")

    assert answer.status == 500
    assert "DATABASE" not in answer.text


def actor_of(function: str, event_changes: dict, owner) -> list[str]:
    event = sample(function)
    event["requestContext"] |= event_changes
    assert answer_of(invoke(function, event)).status == 200
    return [row[0] for row in owner.execute("select actor from history order by history_id").fetchall()]


@pytest.fixture
def member(service) -> None:
    """Add user 1000 to the segment of the samples as the actor 'somebody'."""
    create_segments("AVITO_DISCOUNT_30")
    event = sample("change_memberships")
    event["requestContext"] |= caller("somebody")
    done(answer_of(invoke("change_memberships", event)))


@pytest.mark.parametrize("function", ["delete_segment", "delete_user"])
def test_exit_is_written_under_the_name_of_the_caller(member, owner, function):
    assert actor_of(function, caller("mira"), owner) == ["somebody", "mira"]


def test_entry_is_written_under_the_name_of_the_caller(service, owner):
    create_segments("AVITO_DISCOUNT_30")

    assert actor_of("change_memberships", caller("mira"), owner) == ["mira"]


def test_actor_of_one_request_is_not_kept_for_the_next(member, owner):
    assert actor_of("delete_user", caller("mira"), owner)[-1] == "mira"


def test_caller_in_a_header_is_ignored(service, owner):
    create_segments("AAA")
    headers = {"x-actor": "mallory", "authorization": "Bearer of-mallory"}

    done(call("change_memberships", {"user_id": 1, "add_segments": ["AAA"]}, headers=headers))

    assert owner.execute("select actor from history").fetchall() == [("alice",)]


def test_log_holds_no_body_and_no_query(service, log):
    create_segments("AAA")
    body = {"user_id": 424242, "add_segments": ["AAA"]}

    done(call("change_memberships", body))
    call("create_segment", {"slug": "BBB", "description": SECRET})
    call("list_segments", query={"prefix": "PREFIX-SOUGHT"})

    assert "request" in log.text
    assert not [word for word in ("424242", SECRET, "PREFIX-SOUGHT") if word in log.text]


def test_log_line_of_a_request_cannot_be_forged(service, log):
    call("get_segment", path='/segment/AAA\r\n{"level":"ERROR"}', headers={"user-agent": 'x\r\n{"level":"ERROR"}'})

    [line] = log.text.splitlines()
    assert json.loads(line)["level"] == "INFO"
