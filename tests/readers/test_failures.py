"""A reader that is away, dies or becomes the primary: the writer answers, and no request fails."""

import psycopg
import pytest

from local import ports
from segmentation.database import connection, readers
from segmentation.domain import segments, users
from tests.functions.calls import call
from tests.functions.factories import create_segments
from tests.readers.replication import Standby, start_primary


def listed():
    answer = call("list_segments")
    assert answer.status == 200, answer.text
    return [segment["slug"] for segment in answer.json["segments"]]


def fallbacks(log):
    return sum(line.get("ReaderFallbacks", 0) for line in log.lines)


@pytest.fixture
def world(service):
    create_segments("AAA")


@pytest.fixture
def unreachable(world, monkeypatch):
    monkeypatch.setenv("DATABASE_READ_HOST", f"{ports.HOST}:{ports.free()}")


def test_unreachable_reader_is_replaced_by_the_writer_and_counted(unreachable, log):
    assert listed() == ["AAA"]
    assert fallbacks(log) == 1


def test_unreachable_reader_is_left_alone_for_a_while(unreachable, monkeypatch):
    listed()
    monkeypatch.setattr(readers._reader.kept, "_open", lambda: pytest.fail("the reader was tried too early"))

    assert listed() == ["AAA"]


def test_unreachable_reader_is_tried_again(unreachable, following, monkeypatch, without_writer):
    listed()
    following.catch_up()
    monkeypatch.setenv("DATABASE_READ_HOST", following.address)
    monkeypatch.setattr(readers, "RETRY_SECONDS", 0)
    without_writer()

    assert listed() == ["AAA"]


def test_killed_reader_is_replaced_by_the_writer_and_used_again_when_it_is_back(
    world, own_standby, read_from, log, monkeypatch, without_writer
):
    monkeypatch.setattr(readers, "RETRY_SECONDS", 0)
    own_standby.start()
    own_standby.catch_up()
    read_from(own_standby)
    assert listed() == ["AAA"]
    assert fallbacks(log) == 0

    own_standby.kill()
    assert listed() == ["AAA"]
    assert fallbacks(log) == 1

    own_standby.start()
    own_standby.catch_up()
    without_writer()
    assert listed() == ["AAA"]


def test_request_whose_reader_dies_in_the_middle_is_answered_by_the_writer(
    world, following, read_from, log, monkeypatch
):
    following.catch_up()
    read_from(following)
    list_segments = segments.list_segments

    def dying(opened, **named):
        if readers._reader.kept.is_kept(opened):
            opened.execute("select pg_terminate_backend(pg_backend_pid())")
        return list_segments(opened, **named)

    monkeypatch.setattr(segments, "list_segments", dying)

    assert listed() == ["AAA"]
    assert fallbacks(log) == 1


@pytest.mark.parametrize(
    "error",
    [psycopg.errors.SerializationFailure, psycopg.errors.UndefinedFunction, psycopg.errors.ReadOnlySqlTransaction],
)
def test_error_of_a_reader_is_no_error_of_the_request(world, following, read_from, monkeypatch, error):
    following.catch_up()
    read_from(following)
    list_users = users.list_users

    def failing(opened, **named):
        if readers._reader.kept.is_kept(opened):
            raise error
        return list_users(opened, **named)

    monkeypatch.setattr(users, "list_users", failing)

    assert call("list_users").status == 200


def test_statement_that_takes_too_long_is_not_repeated_on_the_writer(world, following, read_from, monkeypatch):
    following.catch_up()
    read_from(following)
    servers = []

    def slow(opened, **_):
        servers.append(readers._reader.kept.is_kept(opened))
        raise psycopg.errors.QueryCanceled

    monkeypatch.setattr(users, "list_users", slow)

    assert call("list_users").status == 503
    assert servers == [True]


def test_error_of_the_writer_is_not_repeated(unreachable, monkeypatch):
    calls = []

    def failing(*_, **__):
        calls.append(True)
        raise psycopg.errors.UndefinedTable

    monkeypatch.setattr(users, "list_users", failing)

    assert call("list_users").status == 500
    assert len(calls) == 1


def test_promoted_reader_is_no_reader(world, own_standby, read_from, log):
    own_standby.start()
    own_standby.catch_up()
    own_standby.promote()
    read_from(own_standby)

    assert listed() == ["AAA"]
    assert readers.state() == "away"
    assert fallbacks(log) == 1


def test_writes_and_reads_follow_a_fail_over(folder, read_from, monkeypatch, without_writer):
    first = start_primary(folder / "first")
    second = Standby.of(first, folder / "first")
    monkeypatch.setenv("DATABASE_URL", first.url)
    create_segments("AAA")
    second.start()
    second.catch_up()
    read_from(second)
    assert listed() == ["AAA"]

    first.server.stop()
    second.promote()
    connection.close()  # as the name of the writer leads to the new one
    monkeypatch.setenv("DATABASE_URL", second.database.url)
    create_segments("BBB")
    monkeypatch.setattr(readers, "CHECK_SECONDS", 0)
    assert listed() == ["AAA", "BBB"]

    third = Standby.of(second.database, folder / "first")
    third.start()
    third.catch_up()
    monkeypatch.setenv("DATABASE_READ_HOST", third.address)
    monkeypatch.setattr(readers, "RETRY_SECONDS", 0)
    without_writer()
    assert listed() == ["AAA", "BBB"]
    third.stop()
    second.stop()


def test_reads_go_on_while_the_writer_is_away(world, following, read_from, monkeypatch):
    following.catch_up()
    read_from(following, max_lag=10)
    connection.close()
    monkeypatch.setattr(connection._writer, "_open", lambda: pytest.fail("this request asked the writer"))

    assert listed() == ["AAA"]


def health():
    answer = call("check_health")
    assert answer.status == 200
    return answer.json.get("reader")


def test_health_reports_both_servers(world, following, read_from, monkeypatch):
    assert health() is None

    following.catch_up()
    read_from(following)
    assert health() == "ok"

    monkeypatch.setenv("DATABASE_READ_MAX_LAG", "0")
    assert health() == "lagging"

    following_away = f"{ports.HOST}:{ports.free()}"
    monkeypatch.setenv("DATABASE_READ_HOST", following_away)
    readers.close()
    assert health() == "away"


def test_connection_to_the_reader_that_was_replaced_is_checked_before_its_use(
    world, following, own_standby, read_from, monkeypatch
):
    following.catch_up()
    read_from(following)
    assert listed() == ["AAA"]
    own_standby.start()
    own_standby.promote()

    monkeypatch.setenv("DATABASE_READ_HOST", own_standby.address)
    following.ask("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'segmentation_login'")
    assert listed() == ["AAA"]

    assert readers._reader._state == "away"
