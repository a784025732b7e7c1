"""A process has one connection: opened at first use, replaced when the server has closed it."""

import os
import signal
from contextlib import contextmanager, suppress

import pytest

from segmentation.contract.problems import DatabaseUnavailable, SegmentUnknown
from segmentation.contract.requests import MembershipChange, NewSegment
from segmentation.contract.values import MAX_SLUGS, MAX_USERS
from segmentation.database import connection as database_connection
from segmentation.database import errors, kept_connection, migrate, transactions
from segmentation.database.lists import MOST_BOUND_BY_CLIENT
from segmentation.domain import memberships, segments, users
from tests.reads import segments_of
from tests.wire import longest_text, messages_of


@pytest.fixture
def own_connection(empty_database, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", empty_database.url)
    yield database_connection.get_connection
    database_connection.close()


def backend_of(connection):
    """Return the id of the server's process. Behind a pooler, the id in the connection's info is made up."""
    [(pid,)] = connection.execute("select pg_backend_pid()").fetchall()
    return pid


def test_connection_is_opened_once(own_connection):
    assert own_connection() is own_connection()


def test_connection_the_server_closed_is_replaced_before_it_is_used(own_connection, superuser):
    pid = backend_of(own_connection())
    superuser.execute("select pg_terminate_backend(%s, 5000)", (pid,))

    assert migrate.version(own_connection()) >= 1
    assert backend_of(own_connection()) != pid


@contextmanager
def stopped_server_process(connection):
    """Stop the server process, so that it does not answer, as if the network had dropped the connection."""
    server_process = backend_of(connection)
    os.kill(server_process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server_process, signal.SIGCONT)


@pytest.mark.direct(reason="stops the server's process of its session")
@pytest.mark.parametrize("idle_seconds", [-3600, -6, 6, 3600])
def test_idle_connection_that_no_longer_answers_is_replaced(own_connection, monkeypatch, idle_seconds):
    monkeypatch.setattr(kept_connection, "SILENCE_SECONDS", 0.05)
    silent = own_connection()
    monkeypatch.setattr(database_connection._writer, "used_at", database_connection.time.time() - idle_seconds)

    with stopped_server_process(silent):
        assert migrate.version(own_connection()) >= 1

    assert own_connection() is not silent


def test_connection_that_answers_after_it_was_idle_is_kept(own_connection, monkeypatch):
    before = own_connection()
    monkeypatch.setattr(database_connection._writer, "used_at", 0)

    assert own_connection() is before
    assert migrate.version(before) >= 1


@pytest.mark.direct(reason="stops the server's process of its session")
def test_connection_in_use_is_not_checked(own_connection, monkeypatch):
    busy = own_connection()
    monkeypatch.setattr(database_connection._writer, "used_at", 0)

    with busy.transaction(), stopped_server_process(busy):
        assert own_connection() is busy


def test_pooled_connection_prepares_nothing(empty_database, behind_a_pooler):
    with database_connection.connect(empty_database.url) as pooled:
        for _ in range(7):
            segments_of(pooled, 1)

        assert pooled.execute("select from pg_prepared_statements").rowcount == 0


@pytest.mark.direct(reason="prepares statements")
def test_direct_connection_prepares_what_it_repeats(connection):
    for _ in range(3):
        segments_of(connection, 1)

    [(statement,)] = connection.execute("select statement from pg_prepared_statements").fetchall()
    assert "from memberships" in statement


def test_every_statement_works_through_a_pooler_too(empty_database, behind_a_pooler):
    with database_connection.connect(empty_database.url) as pooled:
        users.create(pooled, None, actor="analyst")
        segments.create(pooled, NewSegment(slug="AVITO_30", description="it's 100 %"), actor="analyst")
        wanted = MembershipChange(user_id=1, add_segments=["AVITO_30"], ttl=60)
        memberships.change(pooled, wanted, actor="analyst")

        assert [page.slug for page in segments_of(pooled, 1)] == ["AVITO_30"]
        assert memberships.list_for_users(pooled, [1, 2]).users[0].segments == ["AVITO_30"]
        assert segments.list_segments(pooled, prefix="AVITO", after="", limit=9).segments[0].description == "it's 100 %"
        assert segments.list_members(pooled, "AVITO_30", after=0, limit=9).users[0].user_id == 1
        assert users.delete(pooled, 1, erase=True, actor="analyst").segments_deleted == 1


def test_no_statement_through_a_pooler_has_a_text_above_16_kb(empty_database, behind_a_pooler, tmp_path):
    wanted = MembershipChange(user_id=1, add_segments=[f"{number:A>255}" for number in range(MAX_SLUGS)])
    with (
        database_connection.connect(empty_database.url) as pooled,
        messages_of(pooled, tmp_path / "trace") as messages,
    ):
        memberships.list_for_users(pooled, [2**53 - number for number in range(1, MAX_USERS + 1)])
        with suppress(SegmentUnknown):
            memberships.change(pooled, wanted, actor="analyst")
        with suppress(SegmentUnknown):
            shorter = wanted.model_copy(update={"add_segments": wanted.add_segments[:MOST_BOUND_BY_CLIENT]})
            memberships.change(pooled, shorter, actor="analyst")

        assert pooled.execute("select from pg_prepared_statements").rowcount == 0

    assert longest_text(messages) < 16 * 1024


def test_lock_held_by_another_session_is_answered_within_its_time_limit(connection, owner):
    users.create(connection, 1, actor="analyst")

    with owner.transaction():
        owner.execute("select from users for update")
        with pytest.raises(database_connection.psycopg.errors.LockNotAvailable) as caught:
            memberships.change(connection, MembershipChange(user_id=1), actor="analyst")

    assert isinstance(errors.problem_of(caught.value), DatabaseUnavailable)


def test_connect_retries_until_the_database_is_up(empty_database, monkeypatch):
    answers = iter([database_connection.psycopg.OperationalError("still starting"), None])
    opened = database_connection.psycopg.connect

    def connect(*args, **named):
        if late := next(answers):
            raise late
        return opened(*args, **named)

    monkeypatch.setattr(database_connection.psycopg, "connect", connect)
    monkeypatch.setattr(database_connection, "RETRY_SECONDS", 0)

    with database_connection.connect(empty_database.url, retry_for_seconds=60) as connection:
        assert migrate.version(connection) >= 1


def test_enclosing_transaction_stays_on_its_connection(own_connection, superuser):
    def write_before_and_after_a_kill():
        with transactions.enclosing_transaction(own_connection()):
            users.create(own_connection(), 1, actor="analyst")
            superuser.execute("select pg_terminate_backend(%s, 5000)", (backend_of(own_connection()),))
            users.create(own_connection(), 2, actor="analyst")

    with pytest.raises(database_connection.psycopg.OperationalError):
        write_before_and_after_a_kill()

    assert superuser.execute("select from users").rowcount == 0
    assert migrate.version(own_connection()) >= 1


def test_after_commit_runs_after_the_commit_and_not_after_a_rollback(own_connection):
    done = []
    with transactions.enclosing_transaction(own_connection()):
        transactions.after_commit(lambda: done.append(own_connection().info.transaction_status.name))
        assert done == []

    with suppress(ZeroDivisionError), transactions.enclosing_transaction(own_connection()):
        transactions.after_commit(lambda: done.append("rolled back"))
        raise ZeroDivisionError

    assert done == ["IDLE"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("tcp_keepalives_idle", "60"),
        ("tcp_keepalives_interval", "10"),
        ("tcp_keepalives_count", "3"),
        pytest.param(
            "idle_session_timeout", "10min", marks=pytest.mark.direct(reason="a pooler has idle sessions of its own")
        ),
    ],
)
def test_server_closes_the_connections_of_lost_environments(connection, setting, value):
    assert connection.execute("select current_setting(%s)", (setting,)).fetchall() == [(value,)]


def test_the_cursor_is_kept_with_its_connection(own_connection):
    own_connection()
    first, again = database_connection.get_cursor(), database_connection.get_cursor()
    database_connection.close()
    another = database_connection.get_cursor()

    assert first is again
    assert (another.connection, another.connection.closed) == (own_connection(), False)
