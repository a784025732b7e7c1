"""The database refuses requests or blocks them. Every route answers 503 in time, and no row is written."""

import threading
import time
from contextlib import contextmanager

import pytest

from segmentation.database.connection import get_connection
from tests import law
from tests.functions.calls import OFREP, answer_of, invoke, sample
from tests.functions.factories import (
    change,
    create_samples_import,
    create_samples_world,
    create_segments,
    done,
    slugs_of,
)
from tests.functions.keys import everything
from tests.functions.test_database_unavailable import assert_unavailable, seconds_of
from tests.samples import CREATES
from tests.template_routes import ROUTES

WITHOUT_DATABASE = {"open_report", "open_console", "open_docs", "show_openapi"}
FUNCTIONS = sorted({route.function for route in ROUTES} - WITHOUT_DATABASE)
READS = {route.function for route in ROUTES if route.method == "GET"} | {"batch_list_memberships"} | OFREP
WRITES = sorted({*FUNCTIONS} - READS)
LOCK_EVERYTHING = """
do $$
declare
    v_table text;
begin
    for v_table in select tablename from pg_tables where schemaname = 'public'
    loop
        execute format('lock table %I in access exclusive mode', v_table);
    end loop;
end
$$
"""
KILL_LOGINS = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'segmentation_login'"
ANSWER_SECONDS = 3


def send(function):
    return answer_of(invoke(function, sample(function)))


def assert_refused_in_time(request):
    """Check that a request is answered 503 with `Retry-After` in time."""
    assert seconds_of(lambda: assert_unavailable(request())) < ANSWER_SECONDS


@pytest.fixture
def world(service, function, owner, aws):
    """Create the rows that the function's sample needs, and open a connection."""
    if function not in CREATES:
        create_samples_world()
    if function == "start_import":
        create_samples_import(owner)
    get_connection()


@pytest.fixture
def alter_login(superuser):
    """Change a setting of the application's login for its next sessions. Reset it after the test."""
    before = superuser.execute("select rolconfig, rolconnlimit from pg_roles where rolname = 'segmentation_login'")
    [(settings, _)] = before.fetchall()

    def alter(change):
        superuser.execute(f"alter role segmentation_login {change}")
        superuser.execute(KILL_LOGINS)

    yield alter
    superuser.execute("alter role segmentation_login connection limit -1")
    superuser.execute("alter role segmentation_login reset all")
    for setting in settings:
        name, _, value = setting.partition("=")
        superuser.execute(f"alter role segmentation_login set {name} = '{value}'")


@contextmanager
def holding(connection, statement):
    """Hold the locks of a statement, like a forgotten session of an administrator."""
    with connection.transaction():
        connection.execute(statement)
        yield


@pytest.mark.parametrize("function", FUNCTIONS)
def test_table_locks_of_an_administrator_are_answered_in_time(world, function, owner):
    before = everything(owner)
    with holding(owner, LOCK_EVERYTHING):
        assert_refused_in_time(lambda: send(function))

    assert everything(owner) == before
    law.check(owner)
    assert send(function).status < 500


@pytest.mark.parametrize("function", FUNCTIONS)
def test_too_many_connections_are_answered_in_time(world, function, alter_login, owner):
    before = everything(owner)
    alter_login("connection limit 0")
    assert_refused_in_time(lambda: send(function))
    assert everything(owner) == before

    alter_login("connection limit -1")

    assert send(function).status < 500


@pytest.mark.parametrize("function", WRITES)
def test_read_only_database_is_503_in_time_until_it_is_writable(world, function, alter_login, owner):
    before = everything(owner)
    alter_login("set default_transaction_read_only = on")
    assert_refused_in_time(lambda: send(function))
    assert everything(owner) == before

    alter_login("reset default_transaction_read_only")

    assert send(function).status < 400


@pytest.mark.parametrize("function", WRITES)
def test_statement_past_its_timeout_is_rolled_back(world, function, alter_login, owner):
    before = everything(owner)
    alter_login("set statement_timeout = '200ms'")
    with holding(owner, LOCK_EVERYTHING):
        assert_refused_in_time(lambda: send(function))

    alter_login("reset statement_timeout")

    assert everything(owner) == before
    assert send(function).status < 400
    law.check(owner)


def test_deadlock_with_an_administrator_is_retried_without_the_client(service, owner, superuser):
    create_segments("AAA")
    done(change(1))

    def wait_for_the_handler_then_for_its_segment():
        while not superuser.execute("select from pg_stat_activity where wait_event_type = 'Lock'").rowcount:
            time.sleep(0.01)
        owner.execute("select from segments for update")

    superuser.execute("grant set on parameter deadlock_timeout to segmentation_owner")
    with owner.transaction():
        owner.execute("set local deadlock_timeout = '10s'")  # the service's session notices first
        owner.execute("select from users for update")
        administrator = threading.Thread(target=wait_for_the_handler_then_for_its_segment)
        answers = []
        handler = threading.Thread(target=lambda: answers.append(change(1, add=("AAA",))))
        handler.start()
        administrator.start()
        administrator.join(10)
    handler.join(10)

    assert answers[0].json == {"segments_added": 1, "segments_deleted": 0}
    assert slugs_of(1) == ["AAA"]
