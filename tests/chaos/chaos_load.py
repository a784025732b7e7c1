"""Faults of Postgres under a mixed load: no answer is wrong, and none but 503 says that the service failed.

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

from segmentation.contract.requests import NewSegment
from segmentation.database.connection import connect
from segmentation.domain import segments
from tests import law
from tests.bookkeeping import assert_exactly_once
from tests.chaos.breakable import breakable as breakable
from tests.chaos.environment import SLUGS, Tally, live
from tests.conftest import Database, create_owner

SECONDS = float(os.environ.get("CHAOS_SECONDS", "10"))
ENVIRONMENTS = 3
SLOWEST_SECONDS = 10
KILL_ONE = """
select pg_terminate_backend(pid) from pg_stat_activity where usename = 'segmentation_login' order by random() limit 1
"""
QUARREL = """
create function quarrel() returns trigger language plpgsql as $$
begin
    if random() < 0.02 then
        raise serialization_failure;
    elsif random() < 0.02 then
        raise deadlock_detected;
    end if;
    return null;
end
$$;
create trigger quarrel after insert or update or delete on memberships execute function quarrel();
"""


@pytest.fixture
def loaded(breakable) -> Database:
    """A migrated database with the segments that the load is about."""
    create_owner(breakable.running)
    made = Database(breakable.running, "segmentation")
    made.create()
    made.migrate()
    with connect(made.url) as connection:
        for slug in SLUGS:
            segments.create(connection, NewSegment(slug=slug), actor="analyst")
    return made


def under_load(of: Database, fault: Callable[[psycopg.Connection], None]) -> Tally:
    """Let a fault happen over and over while environments serve their clients; hold what is left to the law and to
    what the clients were told."""
    superuser_url = of.server.url(database=of.name)
    with ProcessPoolExecutor(ENVIRONMENTS, multiprocessing.get_context("spawn")) as pool:
        running = [pool.submit(live, of.url, seed, SECONDS) for seed in range(ENVIRONMENTS)]
        while not all(one.done() for one in running):
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


def test_server_that_is_stopped_at_once_loses_and_doubles_nothing(loaded, breakable):
    def crash(_):
        time.sleep(SECONDS / 4)
        breakable.crash()

    tally = under_load(loaded, crash)

    assert tally.statuses[503] > 0
    assert_well_behaved(tally)


def test_deadlocks_and_serialization_failures_hardly_reach_a_client(loaded):
    with psycopg.connect(loaded.server.url(database=loaded.name), autocommit=True) as superuser:
        superuser.execute(QUARREL)

    tally = under_load(loaded, lambda _: time.sleep(0.1))

    assert tally.statuses[503] < tally.statuses.total() / 100
    assert_well_behaved(tally)
