"""Percents stay exact while users arrive, are rolled back and are deleted, by request and by job.

ARRIVALS sets the number of users who arrive.
"""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import takewhile
from math import ceil, floor
from threading import Event

import pytest
from psycopg import errors

from segmentation.contract.problems import UserUnknown
from segmentation.contract.requests import NewSegment, SegmentChange
from segmentation.database import transactions
from segmentation.database.connection import connect
from segmentation.domain import segments, users
from segmentation.domain.rollouts import arrivals, percent
from segmentation.domain.rollouts import job as rollout_job
from tests import law
from tests.integration.conftest import arrive as arrive
from tests.integration.fix_jobs import deliver as deliver

ARRIVALS = int(os.environ.get("ARRIVALS", "60000"))
WRITERS = 4
TOGETHER = 500
USERS = 1500
PERCENTS = {"TENTH": 10, "THIRD": 33.33, "MOST": 87.5}
SHARES = """
    select segments.slug, segments.user_percent, (select count(*) from users),
           (select count(*)
              from memberships
             where memberships.segment_id = segments.segment_id and memberships.source = 'percent')
      from segments
     where segments.user_percent is not null
    """


def missed_shares(connection):
    """Return the segments whose automatic members are neither the floor nor the ceiling of the share."""
    rows = connection.execute(SHARES).fetchall()
    return [
        (slug, there, enrolled)
        for slug, percent_of, there, enrolled in rows
        if not floor(there * percent_of / 100) <= enrolled <= ceil(there * percent_of / 100)
    ]


def let_arrive(url, writer):
    """Let one writer's part of the users arrive. A fifth of the statements is rolled back and repeated."""
    chance = random.Random(writer)  # noqa: S311 -- a test
    arrive = "insert into users (user_id) select %s + number from generate_series(1, %s) number"
    with connect(url) as own:
        for first in range(writer * TOGETHER, ARRIVALS, WRITERS * TOGETHER):
            while chance.random() < 0.2:
                with own.transaction(force_rollback=True):
                    own.execute(arrive, (first, chance.randrange(1, TOGETHER)))
            own.execute(arrive, (first, TOGETHER))


def test_share_is_exact_after_many_arrivals_with_rollbacks_and_repairs(connection, empty_database, arrive):
    for slug, share in PERCENTS.items():
        segments.create(connection, NewSegment(slug=slug, user_percent=share), actor="analyst")

    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(let_arrive, empty_database.url, writer) for writer in range(WRITERS)]
        while not all(one.done() for one in writing):
            arrivals.repair(connection)
        for one in writing:
            one.result()
    arrivals.repair(connection)
    arrive(5000, after=ARRIVALS)  # they make up for the last gaps

    assert missed_shares(connection) == []


def delete_users(url, user_ids, ended):
    with connect(url) as own:
        for user_id in takewhile(lambda _: not ended.is_set(), user_ids):
            with suppress(UserUnknown, errors.LockNotAvailable):
                users.delete(own, user_id, erase=False, actor="support")


def create_users(url, user_ids, ended):
    with connect(url) as own:
        for user_id in takewhile(lambda _: not ended.is_set(), user_ids):
            users.create(own, user_id, actor="backend")


@contextmanager
def users_come_and_go(url):
    """Create and delete users without a pause, until the block ends."""
    ended = Event()
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(delete_users, url, range(first, USERS, 3), ended) for first in (1, 2)]
        running.append(pool.submit(create_users, url, range(2 * USERS, 3 * USERS), ended))
        try:
            yield
        finally:
            ended.set()
            for one in running:
                one.result()


@pytest.fixture
def set_and_check(connection, arrive, aws):
    """Set a percent, and check the share before the commit. Return the job, if the percent needs one."""
    arrive(USERS)
    segments.create(connection, NewSegment(slug="CHANGED"), actor="analyst")

    def set_percent(share):
        def change():
            with connection.transaction():
                changed = segments.update(connection, "CHANGED", SegmentChange(user_percent=share), actor="analyst")
                job_id = getattr(changed, "job_id", None)
                assert share is None or job_id or missed_shares(connection) == []
            return job_id

        return transactions.retry_aborted(change)

    return set_percent


def shares_to_set(number, chance):
    return [None if step % 10 == 3 else chance.randrange(0, 101) for step in range(number)]


def test_percents_set_by_request_are_exact_beside_deletions_and_arrivals(connection, empty_database, set_and_check):
    chance = random.Random(1)  # noqa: S311 -- a test

    with users_come_and_go(empty_database.url):
        for share in shares_to_set(100, chance):
            set_and_check(share)

    law.check(connection)


def test_percents_set_by_jobs_are_exact_beside_deletions_and_arrivals(
    connection, empty_database, set_and_check, deliver, monkeypatch
):
    monkeypatch.setattr(percent, "MOST_CHANGES", 50)
    monkeypatch.setattr(rollout_job, "BATCH_CHANGES", 40)
    chance = random.Random(2)  # noqa: S311 -- a test
    complete, missed = percent.complete, []

    def complete_and_check(*arguments):
        outcome = complete(*arguments)
        missed.append(missed_shares(connection))
        return outcome

    monkeypatch.setattr(percent, "complete", complete_and_check)
    with users_come_and_go(empty_database.url):
        for share in shares_to_set(40, chance):
            if job_id := set_and_check(share):
                batches = iter([True] * chance.choice([2, 1000, 1000]))
                deliver(job_id, time_left=lambda left=batches: next(left, False))

    assert missed
    assert not any(missed)
    law.check(connection)
