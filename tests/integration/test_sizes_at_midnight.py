"""The size of a day is final once it is counted, although sessions write, sweep and count around midnight."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest
from psycopg.errors import CheckViolation

from segmentation.contract.problems import UserUnknown
from segmentation.contract.requests import MembershipChange
from segmentation.database import clock, transactions
from segmentation.domain import expiry, memberships, size_counting, users
from tests import law

SLUGS = ["AVITO_30", "AVITO_50"]
BEFORE = timedelta(microseconds=300)
AFTER = timedelta(microseconds=600)
"""While the service's clock is ahead of the server's, each instant is a microsecond after the one before it."""


@pytest.fixture
def midnight(owner):
    """Set the service's clock to just before the next midnight, and return that."""
    [(at,)] = owner.execute("select date_trunc('day', clock_timestamp(), 'UTC') + interval '1 day'").fetchall()
    owner.execute(
        "select setval('latest_moment', (extract(epoch from %s::timestamptz) * 1000000)::bigint)", (at - BEFORE,)
    )
    return at


def changes(midnight, seed):
    """Return an action that changes memberships until a while after midnight. Some lifetimes end around midnight."""
    chance = random.Random(seed)  # noqa: S311 -- repeatable, not secret

    def wanted():
        slugs = chance.sample(SLUGS, 2)
        ends = midnight + timedelta(microseconds=chance.choice([-40, 0, 1, 80, 10**9]))
        body = {"add_segments": slugs[:1], "delete_segments": slugs[1:], "expires_at": ends.isoformat()}
        return MembershipChange.model_validate({"user_id": chance.randint(1, 6), **body})

    def write(own):
        while clock.next_moment(own) < midnight + AFTER:
            with suppress(CheckViolation):  # the lifetime is over
                transactions.retry_aborted(lambda: memberships.change(own, wanted(), actor="analyst"))
            if chance.random() < 0.1:
                delete(own, chance.randint(1, 6))

    return write


def delete(own, user_id):
    with suppress(UserUnknown):
        transactions.retry_aborted(lambda: users.delete(own, user_id, actor="support"))


@pytest.fixture
def closed(connection, midnight):
    """Return the sizes of the day before midnight, if that day is counted."""

    def days():
        return connection.execute(
            """
            select segment_days.segment_id, segment_days.members, segment_days.added, segment_days.removed
              from segment_days
              join counted_days on counted_days.last_day >= segment_days.day
             where segment_days.day = (%s::timestamptz at time zone 'UTC')::date - 1
             order by 1
            """,
            (midnight,),
        ).fetchall()

    return days


def test_day_that_is_counted_is_exact_and_never_changes(
    connection, make_segments, midnight, at_once, closed, monkeypatch
):
    monkeypatch.setattr(size_counting, "STEP_ROWS", 3)
    make_segments(*SLUGS)
    found = []

    def count(own):
        while clock.next_moment(own) < midnight + AFTER:
            size_counting.count(own, go_on=lambda: True)
            expiry.sweep(own, go_on=lambda: True)
            found.extend([days] if (days := closed()) else [])

    at_once(*[changes(midnight, seed) for seed in range(3)], count)
    size_counting.count(connection, go_on=lambda: True)

    assert found
    assert all(days == closed() for days in found)
    assert all(added for _, _, added, _ in closed())
    law.sizes_agree(connection)
