"""Plans that a session makes for a small database still suit a large one."""

import pytest

from segmentation.contract.requests import NewSegment, SegmentChange
from segmentation.domain import segments
from tests.integration.fix_plans import touched as touched

pytestmark = pytest.mark.direct(reason="needs the plans that one session keeps")


@pytest.fixture
def make_small(arrive, superuser):
    """Insert ten users, and give the planner the statistics of a small database."""

    def make():
        arrive(10)
        superuser.execute("vacuum (analyze) users, segments, rollouts, memberships")

    return make


@pytest.fixture
def read(connection, touched):
    """Count the rows of a table that an action reads."""

    def count(table, action):
        with connection.transaction():
            before = touched(table)
            action()
            return touched(table) - before

    return count


def test_users_who_arrive_together_are_read_once_each(arrive, create, make_small, read):
    create("ROLLOUT", 100)
    make_small()
    for number in range(10):
        arrive(1, after=100 + number)

    assert read("users", lambda: arrive(2000, after=1000)) == 2000


def test_users_who_arrive_after_a_small_enrolment_are_read_once_each(arrive, create, make_small, read):
    make_small()
    create("ROLLOUT", 100)

    assert read("users", lambda: arrive(2000, after=1000)) == 2000


def test_users_who_arrive_after_a_write_by_hand_are_read_once_each(
    arrive, create, make_segments, make_small, change, read
):
    make_segments("OTHER")
    make_small()
    for number in range(10):
        change(1 + number, add_segments=["OTHER"])
    create("ROLLOUT", 100)

    assert read("users", lambda: arrive(2000, after=1000)) == 2000


def test_arrival_reads_each_rollout_once(arrive, create, make_small, read):
    create("ROLLOUT_0", 10)
    make_small()
    arrive(1, after=10)
    for number in range(1, 50):
        create(f"ROLLOUT_{number}", 10)

    assert read("rollouts", lambda: arrive(1, after=11)) == 50


def test_enrolment_reads_each_user_a_fixed_number_of_times(connection, arrive, create, make_small, read):
    make_small()
    create("SMALL", 100)
    segments.update(connection, "SMALL", SegmentChange(user_percent=None), actor="analyst")
    arrive(2000, after=1000)
    new = NewSegment(slug="LARGE", user_percent=100)

    assert read("users", lambda: segments.create(connection, new, actor="analyst")) < 10 * 2000
