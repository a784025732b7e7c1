"""The database's clock steps back: the history stays in time order, and an ended membership stays ended."""

from datetime import timedelta
from functools import partial

import pytest

from segmentation.api.parameters import FIRST_INSTANT, LAST_INSTANT
from segmentation.contract.problems import MembershipUnknown
from segmentation.contract.requests import LifetimeChange, NewOperation
from segmentation.database import clock
from segmentation.database.connection import connect
from segmentation.domain import actions, expiry, memberships, segments, users
from segmentation.domain import history as domain_history
from tests import law
from tests.fix_clock import step_clock as step_clock
from tests.limited import lock_timeout
from tests.reads import segments_of

SLUG = "AVITO_30"
HOUR = 3600


@pytest.fixture
def member(make_segments, change):
    """Make user 1 a member, for this many seconds."""

    def make(ttl=None):
        if ttl is None or ttl == HOUR:
            make_segments(SLUG)
        change(1, add_segments=[SLUG], ttl=ttl)

    return make


@pytest.fixture
def ended(member, step_clock):
    """Give user 1 a membership whose lifetime has ended ten seconds ago. No sweep has removed it."""
    member(ttl=HOUR)
    step_clock(HOUR + 10)


@pytest.fixture
def letters(history):
    """The operations of user 1 in order of time, which must be the order in which they were written."""

    def read():
        rows = history(1)
        moments = [row["executed_at"] for row in rows]
        assert moments == sorted(set(moments))
        return "".join(row["operation"] for row in rows)

    return read


def test_removal_comes_after_the_entry(connection, member, change, step_clock, letters):
    member()

    step_clock(-5)
    change(1, delete_segments=[SLUG])

    assert letters() == "ID"
    law.check(connection)


def test_entry_comes_after_the_last_exit(connection, member, change, step_clock, letters):
    member()
    change(1, delete_segments=[SLUG])

    step_clock(-5)
    change(1, add_segments=[SLUG])

    assert letters() == "IDI"
    law.check(connection)


def test_entry_comes_after_the_swept_exit(connection, ended, change, step_clock, letters):
    expiry.sweep(connection, go_on=lambda: True)

    step_clock(-30)
    change(1, add_segments=[SLUG])

    assert letters() == "IDI"
    law.check(connection)


def test_new_membership_comes_after_the_one_that_ended(connection, ended, slugs_of, change, step_clock, letters):
    assert slugs_of(1) == []

    step_clock(-30)
    change(1, add_segments=[SLUG], ttl=HOUR)

    assert letters() == "IDI"
    law.check(connection)


def test_user_who_returns_enters_after_the_deletion(connection, member, change, step_clock, letters):
    member()
    users.delete(connection, 1, erase=False, actor="support")

    step_clock(-5)
    change(1, add_segments=[SLUG])

    assert letters() == "IDI"


def test_deletion_of_the_user_comes_after_the_entry(connection, member, step_clock, letters):
    member()

    step_clock(-5)
    users.delete(connection, 1, erase=False, actor="support")

    assert letters() == "ID"


def test_changed_lifetime_and_custom_action_come_after_the_entry(connection, member, step_clock, letters):
    member()
    actions.create(connection, "exposure")

    step_clock(-5)
    memberships.change_lifetime(connection, 1, SLUG, LifetimeChange(ttl=HOUR), actor="analyst")
    domain_history.record(connection, 1, NewOperation(slug=SLUG, action="exposure"), actor="backend")

    assert letters() == "IUA"


def test_lifetime_changed_by_hand_comes_after_the_entry(owner, member, step_clock, letters):
    member()

    step_clock(-5)
    owner.execute("update memberships set expires_at = now() + interval '1 day'")

    assert letters() == "IU"


def test_deletion_of_the_segment_comes_after_every_entry(connection, owner, member, step_clock, letters):
    member()

    step_clock(-5)
    segments.delete(connection, SLUG, actor="analyst")

    [(is_later,)] = owner.execute(
        "select deleted_at > (select max(executed_at) from history where action_id = 1) from segments"
    )
    assert is_later
    assert letters() == "ID"


def test_exit_is_not_before_an_entry_that_another_clock_dated(connection, owner, arrive, make_segments, history):
    make_segments(SLUG)
    arrive(1)
    owner.execute(
        """
        insert into memberships (user_id, segment_id, added_at)
        select 1, segment_id, now() + interval '1 hour' from segments
        """
    )

    segments.delete(connection, SLUG, actor="analyst")

    [entry, end] = history(1)
    assert entry["executed_at"] <= end["executed_at"]


def of_user(connection):
    return [one.slug for one in segments_of(connection, 1)]


def of_batch(connection):
    return memberships.list_for_users(connection, [1]).users[0].segments


def of_history(connection):
    page = domain_history.list_for_user(connection, 1, since=FIRST_INSTANT, until=LAST_INSTANT, after="", limit=10)
    return [] if page.operations[-1].operation == "D" else [SLUG]


def of_patch(connection):
    try:
        memberships.change_lifetime(connection, 1, SLUG, LifetimeChange(ttl=HOUR), actor="analyst")
    except MembershipUnknown:
        return []
    return [SLUG]


READS = [
    of_user,
    of_batch,
    of_history,
    of_patch,
    partial(law.listed, slug=SLUG),
    lambda connection: [SLUG] * segments.get(connection, SLUG).members,
]
NAMES = ["user", "batch", "history", "patch", "members", "segment"]


@pytest.mark.parametrize("read", READS, ids=NAMES)
def test_membership_that_a_read_called_ended_stays_ended(connection, ended, read, step_clock):
    assert list(read(connection)) == []

    step_clock(-30)

    assert [list(each(connection)) for each in READS] == [[]] * len(READS)
    law.check(connection)


def test_ended_membership_is_written_down_once_however_often_it_is_read(connection, owner, ended):
    def latest():
        return owner.execute("select last_value from latest_moment").fetchall()

    before = latest()
    of_user(connection)
    first = latest()
    of_user(connection)

    assert before < first == latest()


def test_ended_membership_is_read_in_a_read_only_transaction(connection, ended):
    with connection.transaction():
        connection.execute("set transaction read only")

        assert of_user(connection) == []


def test_time_stands_still_until_the_clock_has_caught_up(connection, member, step_clock, slugs_of):
    member(ttl=HOUR)
    step_clock(-2 * HOUR)

    step_clock(2 * HOUR - 10)
    assert slugs_of(1) == [SLUG]

    step_clock(HOUR + 20)
    assert slugs_of(1) == []


def test_membership_that_is_due_is_swept_while_the_clock_is_behind(connection, ended, slugs_of, step_clock):
    assert slugs_of(1) == []

    step_clock(-HOUR)

    assert expiry.sweep(connection, go_on=lambda: True) == 1


def test_moments_increase_in_and_across_sessions(at_once):
    def moments(own):
        return [clock.next_moment(own) for _ in range(200)]

    lists = at_once(*[moments] * 4)

    assert all(one == sorted(one) for one in lists)
    assert len({moment for one in lists for moment in one}) == 800


def test_moment_does_not_wait_for_a_transaction_that_has_one(connection, empty_database):
    with connect(empty_database.url) as other, connection.transaction():
        first = clock.next_moment(connection)

        with lock_timeout(other, "1ms"):
            assert clock.next_moment(other) > first


def test_moment_of_a_transaction_that_is_rolled_back_is_not_given_again(connection, step_clock):
    with connection.transaction(force_rollback=True):
        given = clock.next_moment(connection)

    step_clock(-HOUR)

    assert clock.next_moment(connection) > given + timedelta(hours=1) - timedelta(seconds=1)
