"""The instant at which a membership ends. It is exact, and only the database's clock counts."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.functions.calls import call
from tests.functions.factories import create_segments, create_users, get_segment, history_of, slugs_of, users_in

END = "2031-01-31T12:00:00Z"
LONG_AGO = "2001-01-31T12:00:00Z"
READS = {
    "list_memberships": lambda: slugs_of(1),
    "batch_list_memberships": lambda: call("batch_list_memberships", {"user_ids": [1]}).json["users"][0]["segments"],
    "list_segment_users": lambda: users_in("AAA"),
    "get_segment": lambda: get_segment("AAA").json["members"],
}
EVERY_READ = pytest.mark.parametrize("read", READS.values(), ids=READS)
SETS_THE_CLOCK = pytest.mark.direct(reason="changes a setting of its session")
EITHER_SIDE_OF_TODAY = pytest.mark.parametrize("end", [LONG_AGO, END], ids=["past", "future"])


@pytest.fixture
def clock(owner):
    """Read the database's clock."""

    def read():
        [(instant,)] = owner.execute("select clock_timestamp()").fetchall()
        return instant

    return read


@pytest.fixture
def add_member_until(service, owner):
    """Make user 1 a member of AAA until an instant, since a day before it."""

    def add(end):
        create_segments("AAA")
        create_users(1)
        owner.execute("insert into memberships values (1, 1, %s::timestamptz - interval '1 day', %s)", (end, end))

    return add


@SETS_THE_CLOCK
@EVERY_READ
@EITHER_SIDE_OF_TODAY
@pytest.mark.parametrize("distance", ["-1 ms", "-1 us"])
def test_membership_is_read_until_just_before_its_end(add_member_until, stop_clock, read, end, distance):
    add_member_until(end)

    stop_clock(end, distance)

    assert read() in (["AAA"], [1], 1)


@SETS_THE_CLOCK
@EVERY_READ
@EITHER_SIDE_OF_TODAY
@pytest.mark.parametrize("distance", ["0 ms", "1 ms"])
def test_membership_is_not_read_from_its_end_on(add_member_until, stop_clock, read, end, distance):
    add_member_until(end)

    stop_clock(end, distance)

    assert read() in ([], 0)


def test_exit_is_shown_from_the_end_on(add_member_until, clock):
    end = datetime.now(UTC) + timedelta(milliseconds=150)
    add_member_until(end)

    is_shown = False
    while not is_shown:
        before, is_shown, after = clock(), len(history_of(1)) == 2, clock()
        assert after >= end if is_shown else before < end

    assert slugs_of(1) == []
    assert datetime.fromisoformat(history_of(1)[1]["executed_at"]) == end


@SETS_THE_CLOCK
def test_lifetime_changed_before_the_end_keeps_the_membership(add_member_until, stop_clock):
    end = datetime.now(UTC) + timedelta(seconds=30)
    add_member_until(end)

    answer = call("update_membership", {"ttl": 60}, path="/segment/user/1/AAA")
    stop_clock(end, "1 ms")

    assert (answer.status, slugs_of(1)) == (200, ["AAA"])


def test_lifetime_cannot_be_changed_after_the_end(add_member_until):
    add_member_until(datetime.now(UTC) + timedelta(milliseconds=50))
    time.sleep(0.06)

    assert call("update_membership", {"ttl": 60}, path="/segment/user/1/AAA").status == 404
