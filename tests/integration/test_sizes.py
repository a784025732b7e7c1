"""The size of a segment by day: the members at the end of each day, its entries and its exits."""

from datetime import UTC, date, datetime, timedelta

import pytest

from segmentation.contract.problems import RequestInvalid, SegmentUnknown
from segmentation.contract.requests import LifetimeChange, SegmentChange
from segmentation.contract.responses import SegmentSize
from segmentation.database.connection import connect
from segmentation.domain import deletion, expiry, memberships, segments, size_counting, sizes, users
from segmentation.jobs import queue
from tests.reads import sizes_of
from tests.stepping import let_days_pass

SLUG = "AVITO_30"
DAY = timedelta(days=1)


@pytest.fixture
def count(connection):
    """Count everything that there is to count."""
    return lambda: size_counting.count(connection, go_on=lambda: True)


@pytest.fixture
def count_step_by_step(connection, monkeypatch):
    """Count with runs that are each ended after one step of few rows."""
    monkeypatch.setattr(size_counting, "STEP_ROWS", 1)

    def run(runs=200):
        for _ in range(runs):
            size_counting.count(connection, go_on=lambda: False)

    return run


@pytest.fixture
def days_later(superuser, count):
    def go(days=1):
        let_days_pass(superuser, days)

    return go


@pytest.fixture
def size(connection):
    """Return the size of a segment as (days ago, members, added, removed)."""

    def days(slug=SLUG, since=None, until=None):
        found = sizes_of(connection, slug, since, until)
        today = datetime.now(UTC).date()
        return [((today - one.day).days, one.members, one.added, one.removed) for one in found]

    return days


@pytest.fixture
def history_of_three_days(make_segments, change, days_later, expire):
    """Three days ago two users entered, two days ago one left and one entered, today one left."""
    make_segments(SLUG, "AVITO_50")
    change(1, add_segments=[SLUG, "AVITO_50"])
    change(2, add_segments=[SLUG])
    days_later()
    change(1, delete_segments=[SLUG])
    change(3, add_segments=[SLUG])
    days_later(2)
    change(2, delete_segments=[SLUG])


THREE_DAYS = [(3, 2, 2, 0), (2, 2, 1, 1), (1, 2, 0, 0), (0, 1, 0, 1)]


@pytest.mark.usefixtures("history_of_three_days")
def test_history_that_is_there_already_is_counted(count, size):
    count()

    assert size() == THREE_DAYS
    assert size("AVITO_50") == [(3, 1, 1, 0), (2, 1, 0, 0), (1, 1, 0, 0), (0, 1, 0, 0)]


@pytest.mark.usefixtures("history_of_three_days")
def test_counting_goes_on_wherever_a_run_ended(count_step_by_step, size):
    count_step_by_step()

    assert size() == THREE_DAYS


def test_operations_since_the_last_count_are_in_todays_size(make_segments, change, count, size):
    make_segments(SLUG)
    change(1, add_segments=[SLUG])
    count()

    change(1, delete_segments=[SLUG])
    change(2, add_segments=[SLUG])

    assert size() == [(0, 1, 2, 1)]


def test_days_pass_while_the_schedule_is_away(make_segments, change, days_later, count, size):
    make_segments(SLUG)
    count()
    change(1, add_segments=[SLUG])
    days_later(2)
    change(2, add_segments=[SLUG])
    expected = [(2, 1, 1, 0), (1, 1, 0, 0), (0, 2, 1, 0)]
    assert size() == expected

    count()

    assert size() == expected


def test_due_exit_counts_on_its_day_before_and_after_the_sweep(
    connection, make_segments, change, days_later, count, size
):
    make_segments(SLUG)
    change(1, add_segments=[SLUG], ttl=3 * 86400)
    count()
    days_later(5)
    expected = [(5, 1, 1, 0), (4, 1, 0, 0), (3, 1, 0, 0), (2, 0, 0, 1), (1, 0, 0, 0), (0, 0, 0, 0)]
    assert size() == expected
    count()
    assert size() == expected

    expiry.sweep(connection, go_on=lambda: True)
    count()

    assert size() == expected


def test_exit_that_is_due_and_swept_before_the_first_count_is_on_its_day(
    connection, make_segments, change, days_later, count, size
):
    make_segments(SLUG)
    change(1, add_segments=[SLUG], ttl=86400)
    change(2, add_segments=[SLUG], ttl=2 * 86400)
    days_later(2)
    change(2, delete_segments=[SLUG])
    expiry.sweep(connection, go_on=lambda: True)
    count()

    assert size() == [(2, 2, 2, 0), (1, 1, 0, 1), (0, 0, 0, 1)]


def test_entry_after_an_exit_that_is_due_counts_both(make_segments, change, days_later, count, size):
    make_segments(SLUG)
    change(1, add_segments=[SLUG], ttl=86400)
    count()
    days_later(2)
    count()
    change(1, add_segments=[SLUG])
    count()

    assert size() == [(2, 1, 1, 0), (1, 0, 0, 1), (0, 1, 1, 0)]


def test_changed_lifetime_changes_no_size(connection, make_segments, change, days_later, count, size):
    make_segments(SLUG)
    change(1, add_segments=[SLUG], ttl=86400)
    memberships.change_lifetime(connection, 1, SLUG, LifetimeChange(ttl=None), actor="analyst")
    count()
    days_later(2)

    assert size() == [(2, 1, 1, 0), (1, 1, 0, 0), (0, 1, 0, 0)]


def test_deletion_that_a_job_is_doing_ends_every_membership_at_its_time(
    connection, make_segments, change, days_later, count, owner, monkeypatch
):
    monkeypatch.setattr(deletion, "MOST_MEMBERS", 1)
    monkeypatch.setattr(queue, "request_worker", lambda _: None)
    make_segments(SLUG)
    for user_id in (1, 2):
        change(user_id, add_segments=[SLUG])
    segments.delete(connection, SLUG, actor="analyst")
    assert owner.execute("select from memberships").rowcount == 2
    count()
    days_later()

    owner.execute("delete from memberships")
    count()

    assert owner.execute("select members, added, removed from segment_days").fetchall() == [(0, 2, 2)]


def test_segment_created_again_has_none_of_the_former_days(connection, make_segments, change, days_later, count, size):
    make_segments(SLUG)
    change(1, add_segments=[SLUG])
    days_later()
    segments.delete(connection, SLUG, actor="analyst")
    make_segments(SLUG)
    change(2, add_segments=[SLUG])
    count()

    assert size() == [(0, 1, 1, 0)]


def test_renamed_segment_keeps_its_days(connection, make_segments, change, days_later, count, size):
    make_segments(SLUG)
    change(1, add_segments=[SLUG])
    count()
    days_later()
    segments.update(connection, SLUG, SegmentChange(slug="AVITO_70"), actor="analyst")

    assert size("AVITO_70") == [(1, 1, 1, 0), (0, 1, 0, 0)]


def test_days_begin_where_the_history_begins_if_months_were_dropped(
    make_segments, change, days_later, count, size, superuser
):
    make_segments(SLUG)
    for user_id in (1, 2):
        change(user_id, add_segments=[SLUG])
    days_later(3)
    superuser.execute("delete from history")
    change(1, delete_segments=[SLUG])
    days_later()
    count()

    assert size() == [(1, 1, 0, 1), (0, 1, 0, 0)]


@pytest.mark.parametrize("runs", range(14))
def test_erased_user_stays_in_the_sizes_of_all_days_wherever_the_counting_is(
    connection, history_of_three_days, count_step_by_step, count, size, runs
):
    """The user is erased after the count of the members. A user who is erased before it is in no size."""
    count_step_by_step(runs)
    before = [(ago, members, added, removed) for ago, members, added, removed in THREE_DAYS]
    users.delete(connection, 2, erase=True, actor="admin")
    count()

    without = [(3, 1, 1, 0), (2, 1, 1, 1), (1, 1, 0, 0), (0, 1, 0, 0)]
    assert size() in (before, without)
    assert (size() == before) == (runs > 1)


def test_erasure_removes_a_member_on_the_day_of_the_erasure(connection, make_segments, change, days_later, count, size):
    make_segments(SLUG)
    change(1, add_segments=[SLUG])
    count()
    days_later()

    users.delete(connection, 1, erase=True, actor="admin")

    assert size() == [(1, 1, 1, 0), (0, 0, 0, 1)]
    count()
    assert size() == [(1, 1, 1, 0), (0, 0, 0, 1)]


def test_two_counts_at_once_count_everything_once(at_once, make_segments, change, count, size):
    make_segments(SLUG)
    for user_id in range(1, 6):
        change(user_id, add_segments=[SLUG])

    at_once(*[lambda own: size_counting.count(own, go_on=lambda: True)] * 4)
    count()

    assert size() == [(0, 5, 5, 0)]


def test_row_that_is_dated_before_the_count_and_committed_after_it_is_counted(
    empty_database, connection, make_segments, change, count, size, monkeypatch
):
    monkeypatch.setattr(size_counting, "MOST_SECONDS", 0)
    make_segments(SLUG)
    change(1, add_segments=[SLUG])
    count()
    with connect(empty_database.url) as writer, writer.transaction():
        writer.execute("select change_user_segments(2, %s, '{}', null, null, null, null, 'late')", ([SLUG],))
        count()  # waits in vain, and leaves the counting to the next run
        assert size() == [(0, 1, 1, 0)]
    count()

    assert size() == [(0, 2, 2, 0)]


@pytest.mark.parametrize("days", [1, 30, 31, 366])
def test_range_has_at_most_a_year(connection, make_segments, count, days):
    make_segments(SLUG)
    count()
    today = datetime.now(UTC).date()

    assert len(sizes_of(connection, SLUG, today - days * DAY + DAY, today + DAY)) == 1


@pytest.mark.parametrize(
    ("since", "until", "location"),
    [
        (date(2026, 1, 2), date(2026, 1, 1), "query.to"),
        (date(2025, 1, 1), date(2026, 1, 3), "query.from"),
        (date(2001, 1, 1), None, "query.from"),
    ],
)
def test_range_that_is_reversed_or_too_long_is_refused(connection, make_segments, since, until, location):
    make_segments(SLUG)

    with pytest.raises(RequestInvalid) as refused:
        sizes.list_days(connection, SLUG, since=since, until=until)

    assert refused.value.members["errors"][0]["location"] == location


@pytest.mark.usefixtures("history_of_three_days")
def test_range_is_half_open_and_needs_no_row_in_it(count, size):
    count()
    today = datetime.now(UTC).date()

    assert size(since=today - 3 * DAY, until=today - DAY) == THREE_DAYS[:2]
    assert size(since=today - DAY, until=today) == [THREE_DAYS[2]]
    assert size(since=today, until=today) == []
    assert size(since=today + DAY) == []
    assert size(until=today) == THREE_DAYS[:3]
    assert size(since=today, until=today + 9 * DAY) == [THREE_DAYS[3]]


@pytest.mark.usefixtures("history_of_three_days")
@pytest.mark.parametrize(
    ("first", "end"), [(3, -1), (3, 1), (1, 0), (0, 0)], ids=["all", "rows only", "no row", "no day"]
)
def test_body_is_the_one_that_the_model_writes(connection, count, first, end):
    count()
    today = datetime.now(UTC).date()

    body = sizes.list_days(connection, SLUG, since=today - first * DAY, until=today - end * DAY).body

    assert SegmentSize.model_validate_json(body).model_dump_json() == body


def test_unknown_and_deleted_segments_have_no_size(connection, make_segments):
    make_segments(SLUG)
    segments.delete(connection, SLUG, actor="analyst")

    with pytest.raises(SegmentUnknown):
        sizes.list_days(connection, SLUG, since=None, until=None)


def test_nothing_is_answered_before_the_first_count(make_segments, change, size):
    make_segments(SLUG)
    change(1, add_segments=[SLUG])

    assert size() == []


def test_list_has_the_members_of_the_last_night(connection, make_segments, change, days_later, count):
    make_segments(SLUG)
    change(1, add_segments=[SLUG])
    count()
    days_later(2)
    change(2, add_segments=[SLUG])
    make_segments("AVITO_50")
    count()

    [old, new] = segments.list_segments(connection, prefix="", after="", limit=10).segments

    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert (old.slug, old.members, old.members_at) == (SLUG, 1, midnight)
    assert (new.slug, new.members, new.members_at) == ("AVITO_50", None, None)
