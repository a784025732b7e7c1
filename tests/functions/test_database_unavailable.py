"""A database that is unreachable, slow, or ends the session: the answer is quick and names a retry."""

import pytest

from segmentation.contract.version import VERSION
from segmentation.database import migrate
from segmentation.database.connection import get_connection
from segmentation.domain import users
from segmentation.runtime import secrets_manager
from tests.functions.calls import PROBLEM, call
from tests.functions.factories import change, create_segments, done, rows, slugs_of
from tests.stopwatch import Stopwatch

KILL_LOGINS = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
 where usename = 'segmentation_login' and datname = current_database() and pid <> pg_backend_pid()
"""
KILL_MYSELF = "select pg_terminate_backend(pg_backend_pid())"
UNAVAILABLE = "urn:segmentation:problem:database-unavailable"


def assert_unavailable(answer):
    """Check that an answer is 503: a problem document, or an error of OFREP from its functions."""
    assert answer.status == 503, answer.text
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    if "errorCode" in answer.json:
        assert answer.json["errorCode"] == "GENERAL"
    else:
        assert (answer.headers["content-type"], answer.json["type"]) == (PROBLEM, UNAVAILABLE)


def seconds_of(request):
    """Return the seconds that a request takes, without the stalls of a busy machine."""
    with Stopwatch() as stopwatch:
        request()
    return stopwatch.seconds


@pytest.mark.parametrize("function", ["list_users", "create_user", "check_health", "list_actions"])
def test_unreachable_database_is_503_with_retry_after(unreachable_database, function):
    assert_unavailable(call(function))


def test_unreachable_database_is_answered_within_two_seconds(unreachable_database):
    assert seconds_of(lambda: call("list_users")) < 2


def test_address_and_password_of_an_unreachable_database_are_not_shown(unreachable_database):
    answer = call("list_users")

    assert not [word for word in ("not-a-secret", "127.0.0.1", "postgresql", "refused") if word in answer.text]


def test_bad_request_is_422_while_the_database_is_unreachable(unreachable_database):
    assert call("create_segment", {"slug": "!"}).status == 422


def test_service_answers_when_the_database_is_reachable_again(unreachable_database, empty_database, monkeypatch):
    assert call("list_users").status == 503

    monkeypatch.setenv("DATABASE_URL", empty_database.url)

    assert call("list_users").status == 200


def test_connection_killed_between_two_requests_is_replaced(service, superuser):
    assert call("list_users").status == 200

    superuser.execute(KILL_LOGINS)

    assert call("list_users").status == 200


def test_connection_killed_in_the_middle_of_a_request_is_503_and_then_replaced(service, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(users, "list_users", lambda connection, **_: connection.execute(KILL_MYSELF))
        assert_unavailable(call("list_users"))

    assert call("list_users").status == 200


@pytest.mark.direct(reason="changes a setting of its session")
def test_connection_to_a_server_that_became_a_replica_is_503_and_then_replaced(service):
    get_connection().execute("set default_transaction_read_only = on")

    assert_unavailable(call("create_segment", {"slug": "AAA"}))
    assert call("create_segment", {"slug": "AAA"}).status == 201


def test_connection_is_kept_from_request_to_request(service):
    call("list_users")
    first = get_connection().info.backend_pid

    call("list_users")

    assert get_connection().info.backend_pid == first


def test_secret_that_cannot_be_read_is_503_and_named_in_the_log(unreachable_database, monkeypatch, log):
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setattr(secrets_manager, "PAUSES_SECONDS", ())
    for name, value in {
        "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:application",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:9",
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "of-a-test",
        "AWS_SECRET_ACCESS_KEY": "of-a-test",
    }.items():
        monkeypatch.setenv(name, value)

    assert_unavailable(call("list_users"))
    assert "the database secret cannot be read" in log.text


def test_wrong_password_is_503(service, empty_database, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", empty_database.url.replace("not-a-secret", "wrong"))

    assert_unavailable(call("list_users"))


def test_lock_held_by_another_session_is_503_within_three_seconds(service, owner):
    create_segments("AAA")

    with owner.transaction():
        owner.execute("select from segments for update")
        assert seconds_of(lambda: assert_unavailable(change(1, add=("AAA",)))) < 3


def test_request_that_met_a_lock_wrote_nothing_and_can_be_repeated(service, owner):
    create_segments("AAA")
    with owner.transaction():
        owner.execute("select from segments for update")
        change(1, add=("AAA",))
    assert rows(owner) == (0, 1, 0, 0)

    done(change(1, add=("AAA",)))

    assert slugs_of(1) == ["AAA"]


def test_reads_do_not_wait_for_a_writers_lock(service, owner):
    create_segments("AAA")

    with owner.transaction():
        owner.execute("select from segments for update")
        answer = call("get_segment", path="/segment/AAA")

    assert answer.status == 200


def test_health_names_the_schema_version(service):
    answer = call("check_health")

    assert answer.json == {
        "status": "ok",
        "database": "ok",
        "schema_version": migrate.migrations()[-1].version,
        "version": VERSION,
    }
