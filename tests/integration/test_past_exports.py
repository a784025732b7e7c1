"""An export at a past instant has the members of that instant, whatever was written since."""

import random
from datetime import timedelta

import pytest

from segmentation.contract.problems import RequestInvalid
from segmentation.database import clock
from segmentation.domain import expiry, segments, users
from segmentation.reports import member_rows, segment_export
from segmentation.reports.stored_file import Sizes
from tests import law
from tests.integration.fix_exports import SLUG, change_users, patch, write_at_random
from tests.integration.fix_exports import at_its_instant as at_its_instant
from tests.integration.fix_exports import deliver_step as deliver_step
from tests.integration.fix_exports import export as export
from tests.integration.fix_exports import rows_of as rows_of
from tests.integration.fix_jobs import NO_TIME_LIMIT

INSTANT = timedelta(microseconds=1)


@pytest.fixture(autouse=True, params=["by user", "by time"])
def small_sizes(request, monkeypatch):
    """Make texts small. The history is read by user or by time: a statement reads twenty rows of it, or a thousand."""
    monkeypatch.setattr(
        segment_export, "SIZES", Sizes(batch_rows=20 if request.param == "by user" else 1000, part_bytes=200)
    )
    monkeypatch.setattr(member_rows, "TEXT_ROWS", 7)


@pytest.fixture
def export_at(export, deliver, rows_of):
    """Export the members at an instant, and return the rows."""

    def run(at):
        job_id = export(at=at.isoformat())
        deliver(job_id, **NO_TIME_LIMIT)
        return rows_of(job_id)

    return run


def ids(rows):
    return [user_id for user_id, *_ in rows]


@pytest.mark.parametrize("seed", range(4))
def test_interrupted_export_of_each_past_instant_equals_the_reads_and_the_history_of_that_instant(
    connection, make_segments, export, deliver, deliver_step, rows_of, at_its_instant, seed
):
    draw = random.Random(seed)  # noqa: S311 -- a test that can be repeated
    make_segments(SLUG)
    recorded = []
    for _ in range(4):
        for _ in range(3):
            write_at_random(connection, draw)
        recorded.append((clock.next_moment(connection), law.listed(connection, SLUG)))

    for at, listed in recorded:
        job_id = export(at=at.isoformat())
        for _ in range(3):
            deliver_step(job_id)
            write_at_random(connection, draw)
        deliver(job_id, **NO_TIME_LIMIT)
        assert ids(rows_of(job_id)) == listed
        assert rows_of(job_id) == at_its_instant(job_id)


def test_past_export_has_members_who_left_expired_or_came_back_since(connection, make_segments, expire, export_at):
    make_segments(SLUG)
    change_users(connection, add=[1, 2, 3, 5])
    change_users(connection, add=[4], ttl=3600)
    patch(connection, 5, ttl=7200)
    at = clock.next_moment(connection)
    before = export_at(at)

    change_users(connection, delete=[1, 2])
    change_users(connection, add=[2, 6])
    patch(connection, 3, ttl=60)
    patch(connection, 5, ttl=None)
    users.delete(connection, 4, erase=False, actor="admin")
    segments.update(connection, SLUG, segments.SegmentChange(slug="AVITO_99"), actor="editor")
    segments.update(connection, "AVITO_99", segments.SegmentChange(slug=SLUG), actor="editor")

    assert ids(before) == [1, 2, 3, 4, 5]
    assert export_at(at) == before


@pytest.mark.parametrize("is_swept", [False, True])
def test_membership_is_in_exports_until_the_end_of_its_lifetime(
    connection, superuser, make_segments, export_at, is_swept
):
    make_segments(SLUG)
    change_users(connection, add=[1], ttl=3600)
    with superuser.transaction():
        superuser.execute("set local session_replication_role = replica")
        superuser.execute("update memberships set added_at = now() - interval '2 h', expires_at = now()")
        superuser.execute("update history set executed_at = now() - interval '2 h', expires_at = now()")
        [(begin, end)] = superuser.execute("select added_at, expires_at from memberships").fetchall()
    if is_swept:
        expiry.sweep(connection, go_on=lambda: True)

    found = [ids(export_at(at)) for at in (begin - INSTANT, begin, end - INSTANT, end)]

    assert found == [[], [1], [1], []]


def test_an_entry_at_the_instant_counts_and_an_exit_at_the_instant_has_happened(
    connection, owner, make_segments, export_at
):
    make_segments(SLUG)
    change_users(connection, add=[1])
    change_users(connection, delete=[1])
    [(entry,), (leaving,)] = owner.execute("select executed_at from history order by history_id").fetchall()

    found = [ids(export_at(at)) for at in (entry - INSTANT, entry, leaving - INSTANT, leaving)]

    assert found == [[], [1], [1], []]


def test_export_before_the_segment_was_created_is_empty(connection, make_segments, export_at):
    at = clock.next_moment(connection)
    make_segments(SLUG)
    change_users(connection, add=range(1, 41))
    change_users(connection, delete=range(1, 41, 2))

    assert export_at(at) == []


def test_export_of_a_slug_is_of_the_segment_that_has_it_now(connection, make_segments, export_at):
    make_segments(SLUG)
    change_users(connection, add=[1])
    at = clock.next_moment(connection)
    segments.delete(connection, SLUG, actor="editor")
    make_segments(SLUG)

    assert export_at(at) == []


def test_erased_users_are_in_no_past_export(connection, make_segments, export_at):
    make_segments(SLUG)
    change_users(connection, add=range(1, 31))
    at = clock.next_moment(connection)
    users.delete(connection, 7, erase=True, actor="admin")
    users.delete(connection, 8, erase=False, actor="admin")

    assert ids(export_at(at)) == [*range(1, 7), *range(8, 31)]


def test_entry_in_a_dropped_month_is_empty_for_a_member_who_has_left_since(connection, owner, make_segments, export_at):
    make_segments(SLUG)
    change_users(connection, add=[1, 2, 3])
    at = clock.next_moment(connection)
    change_users(connection, delete=[1])
    patch(connection, 2, ttl=3600)
    owner.execute("delete from history where executed_at <= %s", (at,))

    gone, changed, kept = export_at(at)

    assert gone == (1, None, None, "")
    assert (changed[0], changed[2], changed[3]) == (2, None, "manual")
    assert (kept[0], kept[3]) == (3, "manual")


def test_exit_in_a_dropped_month_is_unknown(connection, owner, make_segments, export_at):
    make_segments(SLUG)
    change_users(connection, add=[1, 2])
    at = clock.next_moment(connection)
    change_users(connection, delete=[1])
    owner.execute("delete from history")

    assert ids(export_at(at)) == [2]


def test_export_of_a_future_instant_is_refused(connection, make_segments, export):
    make_segments(SLUG)
    future = clock.now(connection) + timedelta(minutes=1)

    with pytest.raises(RequestInvalid, match=r"body\.at: must not be in the future"):
        export(at=future.isoformat())


def test_export_of_the_latest_instant_that_was_given_out_is_accepted(connection, make_segments, export_at):
    make_segments(SLUG)
    change_users(connection, add=[1])

    at = clock.next_moment(connection)

    assert ids(export_at(at)) == [1]
