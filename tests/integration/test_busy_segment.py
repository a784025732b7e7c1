"""A segment with uninterrupted writers can still be changed, given a percent and deleted."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import pytest
from psycopg import errors

from segmentation.contract.problems import SegmentUnknown
from segmentation.contract.requests import MembershipChange, SegmentChange
from segmentation.database import stuck_locks
from segmentation.database.connection import connect
from segmentation.domain import memberships, segments
from segmentation.domain.rollouts import job as rollout_job
from segmentation.domain.rollouts import percent
from segmentation.jobs import leases, worker
from tests.integration.fix_jobs import NO_TIME_LIMIT
from tests.reads import segments_of
from tests.stopwatch import Stopwatch

WRITERS = 4
HOLD = "select from segments where slug = 'BUSY' for share"
ADVISORY_LOCKS = "select count(*) from pg_locks where locktype = 'advisory'"
SLEEP_AND_COMMIT = """
do $$
declare
    v_end constant timestamptz := clock_timestamp() + interval '{seconds} s';
begin
    perform pg_sleep({seconds} - 0.01);
    while clock_timestamp() < v_end loop
    end loop;
end
$$;
commit
"""


def write(connection, user_id):
    change = MembershipChange(user_id=user_id, add_segments=["BUSY"])
    memberships.change(connection, change, actor="analyst")


@pytest.fixture(autouse=True)
def users_and_segment(make_segments, arrive):
    """Create the segment and the users. Arriving users would wait for each other."""
    make_segments("BUSY")
    arrive(WRITERS)


@pytest.fixture
def busy(empty_database):
    """Run writers whose transactions overlap, so that one always shares the segment's lock."""
    over = Event()

    def work(number):
        with connect(empty_database.url) as own:
            while not over.is_set():
                with suppress(SegmentUnknown), own.transaction():
                    write(own, number)
                    time.sleep(0.02 * (1 + number))

    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(work, number) for number in range(1, WRITERS + 1)]
        time.sleep(0.1)
        yield
        over.set()
    assert [writer.result() for writer in writers] == [None] * WRITERS


@pytest.fixture
def short_timeout(connection):
    """The application's connection, with a timeout shorter than the overlapping writers."""
    connection.execute("set statement_timeout = '3s'")
    return connection


@pytest.mark.direct(reason="changes a setting of its session")
def test_busy_segment_is_changed(busy, short_timeout):
    for description in map(str, range(5)):
        segments.update(short_timeout, "BUSY", SegmentChange(description=description), actor="analyst")

        assert segments.get(short_timeout, "BUSY").description == description


@pytest.mark.direct(reason="changes a setting of its session")
def test_busy_segment_is_given_a_percent(busy, short_timeout):
    changed = segments.update(short_timeout, "BUSY", SegmentChange(user_percent=100), actor="analyst")

    assert changed.user_percent == 100


@pytest.mark.direct(reason="changes a setting of its session")
def test_busy_segment_is_deleted(busy, short_timeout):
    segments.delete(short_timeout, "BUSY", actor="analyst")

    with pytest.raises(SegmentUnknown):
        segments.get(short_timeout, "BUSY")


@pytest.mark.direct(reason="changes a setting of its session")
def test_job_of_a_busy_segment_writes_its_batches(busy, short_timeout, aws, arrive, monkeypatch):
    monkeypatch.setattr(percent, "MOST_CHANGES", 10)
    monkeypatch.setattr(rollout_job, "BATCH_CHANGES", 10)
    arrive(50, after=WRITERS)

    job_id = segments.update(short_timeout, "BUSY", SegmentChange(user_percent=100), actor="analyst").job_id
    worker.deliver(short_timeout, job_id, **NO_TIME_LIMIT)

    assert leases.get(short_timeout, job_id).result == {"users_added": 50, "users_deleted": 0}


def test_later_of_two_changes_has_the_later_time(connection, empty_database):
    with connect(empty_database.url) as own, own.transaction():
        own.execute("select now()")
        first = segments.update(connection, "BUSY", SegmentChange(description="first"), actor="analyst")

        last = segments.update(own, "BUSY", SegmentChange(description="last"), actor="analyst")

    assert first.updated_at < last.updated_at


def test_writers_lock_is_released_when_the_segment_cannot_be_locked(connection, superuser):
    with superuser.transaction():
        superuser.execute(HOLD)
        with pytest.raises(errors.LockNotAvailable):
            segments.delete(connection, "BUSY", actor="analyst")

    assert superuser.execute(ADVISORY_LOCKS).fetchall() == [(0,)]


def test_writers_lock_granted_at_the_lock_timeout_is_released(connection, empty_database, superuser):
    seconds = 0.25
    with connect(empty_database.url) as slow, ThreadPoolExecutor(1) as pool:
        for _ in range(20):
            slow.execute("begin")
            write(slow, 1)
            committing = pool.submit(slow.execute, SLEEP_AND_COMMIT.format(seconds=seconds))
            began = time.monotonic()
            segments.update(connection, "BUSY", SegmentChange(description="changed"), actor="analyst")
            waited = time.monotonic() - began
            committing.result(timeout=60)

            assert superuser.execute(ADVISORY_LOCKS).fetchall() == [(0,)]

            # after a second wait, the writer ended too late: end it earlier
            seconds += -0.0002 if waited > 0.4 else 0.0002


def test_deletion_waits_for_a_writer_that_takes_a_second(connection, empty_database):
    with connect(empty_database.url) as slow, ThreadPoolExecutor(1) as pool:
        with slow.transaction():
            write(slow, 1)
            deleting = pool.submit(segments.delete, connection, "BUSY", actor="analyst")
            slow.execute("select pg_sleep(1)")
            assert not deleting.done()
        assert deleting.result(timeout=60).message == "ok"


def test_requests_for_a_locked_segment_are_answered_within_three_seconds(at_once, superuser):
    def refused(own):
        with Stopwatch() as stopwatch, pytest.raises(errors.LockNotAvailable):
            segments.update(own, "BUSY", SegmentChange(description="changed"), actor="analyst")
        return stopwatch.seconds

    with superuser.transaction():
        superuser.execute(HOLD)
        assert max(at_once(*[refused] * 3)) < 3


def test_slow_writer_does_not_block_other_writers_for_long(connection, empty_database, superuser):
    with (
        connect(empty_database.url) as slow,
        connect(empty_database.url) as other,
        ThreadPoolExecutor(1) as pool,
        slow.transaction(),
    ):
        write(slow, 1)
        deleting = pool.submit(segments.delete, connection, "BUSY", actor="analyst")
        while not deleting.done():
            write(other, 2)
        with pytest.raises(errors.LockNotAvailable):
            deleting.result()

    assert superuser.execute(ADVISORY_LOCKS).fetchall() == [(0,)]


@pytest.mark.direct(reason="a statement leaves a lock to its session")
def test_idle_session_that_holds_the_writers_lock_is_ended(connection, empty_database):
    with connect(empty_database.url) as idle:
        idle.execute("select pg_advisory_lock(0, 0)")

        stuck_locks.end_idle_lock_holders(connection)

        write(connection, 1)
        assert segments_of(connection, 1)[0].slug == "BUSY"


@pytest.mark.direct(reason="a statement leaves a lock to its session")
def test_active_session_that_holds_the_writers_lock_is_left_alone(connection, empty_database, superuser):
    with connect(empty_database.url) as active, ThreadPoolExecutor(1) as pool:
        work = "select pg_advisory_lock(0, 0), pg_sleep(1), pg_advisory_unlock(0, 0)"
        working = pool.submit(lambda: active.execute(work).rowcount)
        while superuser.execute(ADVISORY_LOCKS).fetchall() == [(0,)]:
            time.sleep(0.01)

        stuck_locks.end_idle_lock_holders(connection)

        assert working.result(timeout=60) == 1
