"""Overlapping runs sweep a day's backlog in time. Without faults, a sweep is rarely later than a minute and a half.

DUE_MEMBERSHIPS sets the size of the backlog.
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import SimpleNamespace

import psycopg
import pytest

from functions.expire_memberships.app import handler
from local import postgres
from segmentation.runtime.log import logger
from tests.e2e.conftest import running
from tests.e2e.waiting import eventually
from tests.functions.calls import sample

DUE = int(os.environ.get("DUE_MEMBERSHIPS", "100000"))
SECONDS_A_MILLION = 15
LEAST_SECONDS = 15
"""The limit is for a million memberships. A small backlog has more time, because the machine may be busy."""

RUNS = 2
"""The number of runs that the template lets overlap."""

MINUTE_SECONDS = 5
"""With the half minute that may be added, long enough that a stall of the machine is no delay of the schedule."""

EXPIRING = 20_000
EXPIRING_SECONDS = 10
DUE_SINCE_YESTERDAY = """
set session_replication_role = replica;
insert into segments (slug) values ('AAA');
insert into users (user_id) select generate_series(1, {due});
insert into memberships (user_id, segment_id, added_at, expires_at)
select users.user_id, 1, now() - interval '2 days', now() - users.user_id * interval '1 day' / {due}
  from users;
insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
select memberships.user_id, 1, 'AAA', 1, 'manual', 'analyst', memberships.expires_at, memberships.added_at
  from memberships;
"""
EXITS = """
select count(*), count(distinct user_id), count(*) filter (where executed_at = expires_at and reason = 'ttl')
  from history
 where action_id = 2
"""
LAG = """
create table lags (lag interval);
create function record_lags() returns trigger language plpgsql security definer as $$
begin
    insert into lags select clock_timestamp() - removed.expires_at from removed;
    return null;
end
$$;
create trigger record_lags after delete on memberships
    referencing old table as removed for each statement execute function record_lags();
"""
# no membership expires before the commit, because the schedule cannot read it earlier
EXPIRING_SOON = """
insert into memberships (user_id, segment_id, added_at, expires_at)
select users.user_id, segments.segment_id, now(), now() + interval '5 s' + users.user_id * interval '1 s' * %s / %s
  from users, segments
"""


def run_schedule(url):
    """Run the schedule. Return its answer, its start and its end."""
    os.environ["DATABASE_URL"] = url
    logger.registered_handler.setStream(open(os.devnull, "w"))  # noqa: SIM115 -- open until this process ends
    began = time.monotonic()
    answer = handler(sample("expire_memberships"), SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000))
    return answer, began, time.monotonic()


@pytest.fixture
def processes():
    with ProcessPoolExecutor(RUNS, get_context("spawn")) as pool:
        assert [*pool.map(abs, range(RUNS))] == [*range(RUNS)]
        yield pool


def test_overlapping_runs_remove_a_days_backlog_in_time_and_write_each_exit_once(
    empty_database, superuser, owner, processes
):
    superuser.execute(DUE_SINCE_YESTERDAY.format(due=DUE).encode())
    superuser.execute("vacuum (analyze) memberships")

    runs = [*processes.map(run_schedule, [empty_database.url] * RUNS)]

    answers, began, ended = zip(*runs, strict=True)
    assert sum(answer["removed"] for answer in answers) == DUE
    assert max(ended) - min(began) < max(LEAST_SECONDS, SECONDS_A_MILLION * DUE / 1_000_000)
    assert owner.execute(EXITS).fetchone() == (DUE, DUE, DUE)
    [(late, _, _)] = processes.map(run_schedule, [empty_database.url])
    assert late == {"removed": 0, "remaining": 0, "oldest_age_seconds": 0}


@pytest.fixture(scope="module")
def local_run():
    with postgres.throw_away_directory() as state, running(state, "--minute", str(MINUTE_SECONDS)) as run:
        yield run


def test_nearly_all_expired_memberships_are_swept_within_a_minute_and_a_half(local_run):
    with psycopg.connect(local_run.owner_url, autocommit=True) as owner:
        owner.execute(LAG)
        owner.execute("insert into segments (slug) values ('AAA')")
        owner.execute("insert into users (user_id) select generate_series(1, %s)", (EXPIRING,))
        owner.execute(EXPIRING_SOON, (EXPIRING_SECONDS, EXPIRING))
        eventually(lambda: owner.execute("select from lags").rowcount == EXPIRING, seconds=60)
        [(late,)] = owner.execute(
            "select percentile_disc(0.99) within group (order by extract(epoch from lag)) from lags"
        ).fetchall()

    assert late < 1.5 * MINUTE_SECONDS
    assert "failed" not in local_run.output
