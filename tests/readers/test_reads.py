"""All handlers that only read answer on a hot standby as on the writer, and write nothing."""

import importlib
import json

import pytest

from segmentation.database import connection, readers
from tests.functions.calls import answer_of, invoke, sample
from tests.functions.factories import create_samples_world
from tests.template_routes import ROUTES

WRITER = {
    "check_health": "reports both servers",
    "create_user_report": "stores a file under a lock that an erasure waits for",
    "export_user": "stores a file under a lock that an erasure waits for",
    "list_accounts": "access",
    "list_jobs": "follows a write at once",
    "open_console": "no database",
    "open_docs": "no database",
    "open_report": "no database",
    "show_job": "follows a write at once",
    "show_metrics": "its counters are sequences, which a standby sees up to 32 ahead",
    "show_openapi": "no database",
}
"""The functions of GET routes that never use a reader, with the reason."""


def uses_reader(function):
    module = vars(importlib.import_module(f"functions.{function}.app"))
    return not {"get_read_connection", "get_read_cursor"}.isdisjoint(module)


READS = sorted({route.function for route in ROUTES if uses_reader(route.function)})


def read(function, **headers):
    event = sample(function)
    event["headers"] = {**event["headers"], **headers}
    return answer_of(invoke(function, event))


def fresh(function):
    return read(function, **{"cache-control": "no-cache"})


def comparable(answer):
    """Return the answer without the instant of its read."""
    if answer.headers.get("content-type", "").startswith("application/json"):
        return answer.status, {**json.loads(answer.text), "at": None}
    return answer.status, answer.text


@pytest.fixture
def world(service):
    create_samples_world()


@pytest.fixture
def count_connections(monkeypatch):
    """Close the connection to the writer, and keep a list of those that are opened from then on."""

    def count():
        connection.close()
        opened = []
        connect = connection.psycopg.connect
        monkeypatch.setattr(
            connection.psycopg, "connect", lambda *args, **named: opened.append(args) or connect(*args, **named)
        )
        return opened

    return count


def test_each_get_route_reads_from_a_reader_or_has_a_reason():
    of_get = {route.function for route in ROUTES if route.method == "GET"}

    assert of_get - {*READS} == {*WRITER}
    assert {*READS} - of_get == {"batch_list_memberships", "evaluate_flag", "evaluate_flags"}


@pytest.mark.parametrize("function", READS)
def test_reader_alone_answers_as_the_writer_does(world, following, read_from, without_writer, function, owner):
    owner.execute("insert into feed (settled_id) values (0) on conflict do nothing")
    expected = fresh(function)
    following.catch_up()
    read_from(following)
    if function != "list_events":  # its newest page is the writer's
        without_writer()

    answer = read(function)

    assert answer.status == 200
    assert comparable(answer) == comparable(expected)


@pytest.mark.parametrize("function", READS)
def test_read_writes_nothing(world, primary, monkeypatch, function):
    expected = fresh(function)
    connection.close()
    monkeypatch.setenv("DATABASE_URL", f"{primary.url}?options=-c%20default_transaction_read_only%3Don")

    assert comparable(read(function)) == comparable(expected)


@pytest.mark.parametrize("function", READS)
def test_read_that_says_no_cache_goes_to_the_writer(world, following, read_from, monkeypatch, function):
    read_from(following)
    monkeypatch.setattr(readers._reader, "find", lambda: pytest.fail("this request must not use the reader"))

    assert fresh(function).status == 200


def test_service_without_a_reader_has_one_connection(world, count_connections):
    opened = count_connections()

    for function in READS:
        read(function)

    assert len(opened) == 1


def test_service_with_a_reader_has_one_connection_to_each(world, following, read_from, count_connections):
    following.catch_up()
    read_from(following)
    opened = count_connections()

    for function in READS:
        read(function)
        fresh(function)

    assert len(opened) == 2


def test_reader_behind_a_pooler_needs_no_prepared_statement(world, following, read_from, without_writer, monkeypatch):
    monkeypatch.setenv("DATABASE_POOLED", "true")
    following.catch_up()
    read_from(following)
    without_writer()

    assert [read("list_memberships").status for _ in range(3)] == [200] * 3
    assert readers._reader.kept.get().execute("select from pg_prepared_statements").rowcount == 0
