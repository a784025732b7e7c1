"""Readers follow the feed while many writers write: each sees every change once, and their copies are the memberships.

The number of operations is fixed, and each writer draws its own from a fixed seed. Only their interleaving differs.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random

import psycopg
import pytest

from segmentation.contract.problems import Problem
from segmentation.contract.requests import NewSegment
from segmentation.database import transactions
from segmentation.database.connection import connect
from segmentation.domain import feed, segment_users, segments
from tests.feed import fold, follow, page, stored
from tests.integration.test_law import (
    change,
    change_users,
    delete_user,
    ignoring,
    patch,
    register,
    set_percent,
    sweep,
)

WRITERS = 16
OPERATIONS = 25
READERS = 3
USERS = range(1, 41)
SLUGS = ["AVITO_30", "AVITO_50", "AVITO_70", "AVITO_90"]


def one_change(connection, draw):
    slugs = draw.sample(SLUGS, 2)
    change(connection, draw.choice(USERS), slugs[:1], slugs[1:], draw.choice([None, 1, 3600]))


def bulk_change(connection, draw):
    named = draw.sample(USERS, 20)
    change_users(connection, draw.choice(SLUGS), named[:12], named[12:], draw.choice([None, 1, 3600]))


def imported(connection, draw):
    """Change users as a batch of an import does."""
    named = draw.sample(USERS, 10)
    with connection.transaction():
        segment_id = segment_users._share(connection, draw.choice(SLUGS))
        connection.execute(
            """
            select count(*)
              from change_segment_users(%s::integer, %s::bigint[], null, null, %s::bigint[], 'analyst', 'import')
            """,
            (segment_id, named[:6], named[6:]),
        )


def new_lifetime(connection, draw):
    patch(connection, draw.choice(USERS), draw.choice(SLUGS), draw.choice([None, 3600]))


def rollout(connection, draw):
    set_percent(connection, draw.choice(SLUGS), draw.choice([None, 0, 30, 60]))


def new_user(connection, draw):
    register(connection, draw.choice(USERS))


def deleted_user(connection, draw):
    delete_user(connection, draw.choice(USERS))


def swept(connection, draw):
    sweep(connection)


def new_segment(connection, draw):
    """Replace a segment by a new one of the same slug."""
    slug = draw.choice(SLUGS)
    segments.delete(connection, slug, actor="analyst")
    segments.create(connection, NewSegment(slug=slug), actor="analyst")


def aborted(connection, draw):
    with connection.transaction(force_rollback=True):
        bulk_change(connection, draw)


def late_commit(connection, draw):
    """Take ids, and then others, while other writers take theirs in between."""
    with connection.transaction():
        bulk_change(connection, draw)
        one_change(connection, draw)


def settle(connection, draw):
    feed.store_settled(connection)


OPERATIONS_BY_WEIGHT = {
    one_change: 8,
    bulk_change: 4,
    imported: 2,
    new_lifetime: 3,
    rollout: 2,
    new_user: 2,
    deleted_user: 2,
    swept: 2,
    new_segment: 1,
    aborted: 2,
    late_commit: 2,
    settle: 1,
}


@pytest.fixture
def write(empty_database):
    def operations_of(writer):
        draw = Random(writer)  # noqa: S311 -- a repeatable choice
        chosen = draw.choices([*OPERATIONS_BY_WEIGHT], [*OPERATIONS_BY_WEIGHT.values()], k=OPERATIONS)
        with connect(empty_database.url) as own:
            for operation in chosen:
                # a busy segment or a deadlock of others, and what another writer has deleted meanwhile
                with ignoring(Problem, psycopg.errors.LockNotAvailable):
                    transactions.retry_aborted(lambda operation=operation: operation(own, draw))

    return operations_of


@pytest.fixture
def read(empty_database):
    """Follow the feed until the writers are done, and then to its end."""

    def events_until(done, limit):
        found = []
        with connect(empty_database.url) as own:
            while not done.is_set():
                read = page(own, found[-1].event_id if found else 0, limit)
                found += read.events
            return found + follow(own, found[-1].event_id if found else 0)

    return events_until


def test_followers_see_each_change_once_and_their_copies_are_the_memberships(connection, make_segments, write, read):
    make_segments(*SLUGS)
    done = threading.Event()
    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        readers = [pool.submit(read, done, limit) for limit in (1, 7, 1000)]
        try:
            for writer in [pool.submit(write, number) for number in range(WRITERS)]:
                writer.result()
        finally:
            done.set()
        seen = [reader.result() for reader in readers]

    again = follow(connection)
    assert seen == [again] * READERS
    assert [event.event_id for event in again] == written(connection)
    assert fold(again) == stored(connection)


def written(connection):
    return [event_id for (event_id,) in connection.execute("select history_id from history order by history_id")]
