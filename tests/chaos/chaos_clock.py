"""The clock of the database's machine jumps. CHAOS_SECONDS sets how long it does under load."""

import random
import time

import pytest

from segmentation.contract.requests import MembershipChange, NewSegment
from segmentation.database.connection import connect
from segmentation.domain import memberships, segments
from tests import law
from tests.chaos.chaos_load import SECONDS, make_loaded, under_load
from tests.chaos.stepped_clock import stepped_clock as stepped_clock
from tests.chaos.stepped_clock import stepped_server as stepped_server
from tests.reads import segments_of

HOUR = 3600
JUMP_SECONDS = 0.2
PRESENT = 2 * HOUR
"""Later than every jump: the clock is not behind the history that the load has left."""

LATEST_SECONDS = 30
"""The longest time that the load may last after its end."""

OWN = ["CLOCK_0", "CLOCK_1", "CLOCK_2"]
"""Segments that the load does not name."""

END_CLIENTS = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'segmentation_login'"


@pytest.fixture(scope="module")
def loaded(stepped_server):
    database = make_loaded(stepped_server)
    with connect(database.url) as connection:
        for slug in OWN:
            segments.create(connection, NewSegment(slug=slug), actor="analyst")
    return database


@pytest.fixture
def change(loaded):
    """Change the memberships of a user, check the law, and return the segments among OWN."""

    def run(user_id, **wanted):
        with connect(loaded.url) as connection:
            memberships.change(connection, MembershipChange(user_id=user_id, **wanted), actor="analyst")
            law.check(connection)
            found = segments_of(connection, user_id)
            return [one.slug for one in found if one.slug in OWN]

    return run


def test_clock_that_jumps_an_hour_under_load_loses_and_doubles_nothing(loaded, stepped_clock):
    chance = random.Random(26)  # noqa: S311 -- reproducible, not secret
    latest = time.monotonic() + SECONDS + LATEST_SECONDS

    def jump(superuser):
        stepped_clock.step_to(chance.randint(-HOUR, HOUR))
        if time.monotonic() > latest:
            superuser.execute(END_CLIENTS)
        time.sleep(JUMP_SECONDS)

    tally = under_load(loaded, jump)

    assert tally.statuses[200] > 0
    assert {status for status in tally.statuses if status >= 500} <= {503}
    assert tally.slowest < LATEST_SECONDS


def test_membership_removed_after_a_step_back_is_gone(change, stepped_clock):
    stepped_clock.step_to(PRESENT)
    change(1, add_segments=OWN[:1])

    stepped_clock.step_to(PRESENT - 5)

    assert change(1, delete_segments=OWN[:1]) == []


def test_ended_membership_stays_ended_after_a_step_back(change, stepped_clock):
    stepped_clock.step_to(PRESENT)
    change(2, add_segments=OWN[:1], ttl=60)
    stepped_clock.step_to(PRESENT + 70)
    assert change(2, add_segments=OWN[1:2]) == OWN[1:2]

    stepped_clock.step_to(PRESENT)

    assert change(2, add_segments=OWN[2:3]) == OWN[1:3]
