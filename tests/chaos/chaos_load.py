"""Faults of Postgres under a mixed load. No answer is wrong, and 503 is the only server error.

CHAOS_SECONDS sets how long each fault lasts.
"""

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import reduce

import psycopg
import pytest

from local import postgres
from segmentation.contract.requests import NewSegment
from segmentation.database.connection import connect
from segmentation.domain import segments
from tests import law
from tests.bookkeeping import assert_exactly_once
from tests.chaos.mixed_load import SLUGS, Tally, run_load
from tests.chaos.stoppable_server import stoppable_server as stoppable_server
from tests.conftest import Database, create_owner

SECONDS = float(os.environ.get("CHAOS_SECONDS", "10"))
PROCESSES = 3
SLOWEST_SECONDS = 10
KILL_ONE = """
select pg_terminate_backend(pid) from pg_stat_activity where usename = 'segmentation_login' order by random() limit 1
"""
RANDOM_ABORTS = """
create function abort_at_random() returns trigger language plpgsql as $$
begin
    if random() < 0.02 then
        raise serialization_failure;
    elsif random() < 0.02 then
        raise deadlock_detected;
    end if;
    return null;
end
$$;
create trigger abort_at_random after insert or update or delete on memberships execute function abort_at_random();
"""


@pytest.fixture
def loaded(stoppable_server) -> Database:
    return make_loaded(stoppable_server.running)


def make_loaded(server: postgres.Server) -> Database:
    """Make a migrated database with the segments of the load."""
    create_owner(server)
    made = Database(server, "segmentation")
    made.create()
    made.migrate()
    with connect(made.url) as connection:
        for slug in SLUGS:
            segments.create(connection, NewSegment(slug=slug), actor="analyst")
    return made


def under_load(of: Database, fault: Callable[[psycopg.Connection], None]) -> Tally:
    """Repeat a fault while processes serve a load. Then compare the history with the reads and the clients' answers.

    The fault ends when the first process has served its load. From then on, each kill would hit the request of the last
    client, which would never be answered.
    """
    superuser_url = of.server.url(database=of.name)
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        running = [pool.submit(run_load, of.url, seed, SECONDS) for seed in range(PROCESSES)]
        while not any(one.done() for one in running):
            with suppress(psycopg.OperationalError), psycopg.connect(superuser_url, autocommit=True) as superuser:
                fault(superuser)
        tally = reduce(Tally.join, (one.result() for one in running))
    with connect(of.url) as connection:
        law.check(connection)
        assert_exactly_once(connection, tally.told)
    return tally


def assert_well_behaved(tally: Tally) -> None:
    assert {status for status in tally.statuses if status >= 500} <= {503}
    assert tally.statuses[200] > 5 * SECONDS
    assert tally.slowest < SLOWEST_SECONDS


def kill_one(superuser: psycopg.Connection) -> None:
    superuser.execute(KILL_ONE)
    time.sleep(0.01)


def test_killed_connections_lose_and_double_nothing(loaded):
    tally = under_load(loaded, kill_one)

    assert tally.statuses[503] > 0
    assert_well_behaved(tally)


def test_crashed_server_loses_and_doubles_nothing(loaded, stoppable_server):
    def crash(_):
        time.sleep(SECONDS / 4)
        stoppable_server.crash()

    tally = under_load(loaded, crash)

    assert tally.statuses[503] > 0
    assert_well_behaved(tally)


def test_deadlocks_and_serialization_failures_rarely_reach_a_client(loaded):
    with psycopg.connect(loaded.server.url(database=loaded.name), autocommit=True) as superuser:
        superuser.execute(RANDOM_ABORTS)

    tally = under_load(loaded, lambda _: time.sleep(0.1))

    assert tally.statuses[503] < tally.statuses.total() / 100
    assert_well_behaved(tally)
