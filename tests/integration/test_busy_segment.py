"""A segment that is written to without a pause can still be changed, brought to a percent and deleted."""

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
from tests.integration.fix_jobs import NEVER_OVER
from tests.stopwatch import Stopwatch

WRITERS = 4
HOLD = "select from segments where slug = 'BUSY' for share"
GATES = "select count(*) from pg_locks where locktype = 'advisory'"
STAY = """
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
    """Who arrives waits for others who do: the users of these tests are there."""
    make_segments("BUSY")
    arrive(WRITERS)


@pytest.fixture
def busy(empty_database):
    """Writers of whom one always has the segment while the others come and go."""
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
def in_a_hurry(connection):
    """The application's connection, with less time than writers that pass each other would take."""
    connection.execute("set statement_timeout = '3s'")
    return connection


@pytest.mark.direct(reason="changes a setting of its session")
def test_busy_segment_is_changed(busy, in_a_hurry):
    for description in map(str, range(5)):
        segments.update(in_a_hurry, "BUSY", SegmentChange(description=description), actor="analyst")

        assert segments.get(in_a_hurry, "BUSY").description == description


@pytest.mark.direct(reason="changes a setting of its session")
def test_busy_segment_is_brought_to_a_percent(busy, in_a_hurry):
    changed = segments.update(in_a_hurry, "BUSY", SegmentChange(user_percent=100), actor="analyst")

    assert changed.user_percent == 100


@pytest.mark.direct(reason="changes a setting of its session")
def test_busy_segment_is_deleted(busy, in_a_hurry):
    segments.delete(in_a_hurry, "BUSY", actor="analyst")

    with pytest.raises(SegmentUnknown):
        segments.get(in_a_hurry, "BUSY")


@pytest.mark.direct(reason="changes a setting of its session")
def test_job_of_a_busy_segment_finds_room_for_its_batches(busy, in_a_hurry, aws, arrive, monkeypatch):
    monkeypatch.setattr(percent, "MOST_CHANGES", 10)
    monkeypatch.setattr(rollout_job, "BATCH_CHANGES", 10)
    arrive(50, after=WRITERS)

    job_id = segments.update(in_a_hurry, "BUSY", SegmentChange(user_percent=100), actor="analyst").job_id
    worker.deliver(in_a_hurry, job_id, **NEVER_OVER)

    assert leases.get(in_a_hurry, job_id).result == {"users_added": 50, "users_deleted": 0}


def test_later_of_two_changes_has_the_later_time(connection, empty_database):
    with connect(empty_database.url) as own, own.transaction():
        own.execute("select now()")
        first = segments.update(connection, "BUSY", SegmentChange(description="first"), actor="analyst")

        last = segments.update(own, "BUSY", SegmentChange(description="last"), actor="analyst")

    assert first.updated_at < last.updated_at


def test_gate_opens_again_where_the_segment_cannot_be_had(connection, superuser):
    with superuser.transaction():
        superuser.execute(HOLD)
        with pytest.raises(errors.LockNotAvailable):
            segments.delete(connection, "BUSY", actor="analyst")

    assert superuser.execute(GATES).fetchall() == [(0,)]


def test_gate_is_open_again_where_it_was_given_as_the_wait_for_it_ended(connection, empty_database, superuser):
    seconds = 0.25
    with connect(empty_database.url) as slow, ThreadPoolExecutor(1) as pool:
        for _ in range(20):
            slow.execute("begin")
            write(slow, 1)
            staying = pool.submit(slow.execute, STAY.format(seconds=seconds))
            began = time.monotonic()
            segments.update(connection, "BUSY", SegmentChange(description="changed"), actor="analyst")
            waited = time.monotonic() - began
            staying.result(timeout=60)

            assert superuser.execute(GATES).fetchall() == [(0,)]

            seconds += -0.0002 if waited > 0.4 else 0.0002  # it had to wait again: the writer came out too late


def test_writer_that_takes_a_second_is_waited_for(connection, empty_database):
    with connect(empty_database.url) as slow, ThreadPoolExecutor(1) as pool:
        with slow.transaction():
            write(slow, 1)
            deleting = pool.submit(segments.delete, connection, "BUSY", actor="analyst")
            slow.execute("select pg_sleep(1)")
            assert not deleting.done()
        assert deleting.result(timeout=60).message == "ok"


def test_requests_for_one_segment_that_cannot_be_had_are_answered_within_three_seconds(at_once, superuser):
    def refused(own):
        with Stopwatch() as stopwatch, pytest.raises(errors.LockNotAvailable):
            segments.update(own, "BUSY", SegmentChange(description="changed"), actor="analyst")
        return stopwatch.seconds

    with superuser.transaction():
        superuser.execute(HOLD)
        assert max(at_once(*[refused] * 3)) < 3


def test_writer_that_takes_long_holds_nobody_else_up_for_long(connection, empty_database, superuser):
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

    assert superuser.execute(GATES).fetchall() == [(0,)]


@pytest.mark.direct(reason="a statement leaves a lock to its session")
def test_gate_that_a_session_has_left_shut_is_opened(connection, empty_database):
    with connect(empty_database.url) as left:
        left.execute("select pg_advisory_lock(0, 0)")

        stuck_locks.open_where_left_shut(connection)

        write(connection, 1)
        assert memberships.list_for_user(connection, 1).segments[0].slug == "BUSY"


@pytest.mark.direct(reason="a statement leaves a lock to its session")
def test_session_that_is_at_the_gate_is_let_be(connection, empty_database, superuser):
    with connect(empty_database.url) as coming, ThreadPoolExecutor(1) as pool:
        work = "select pg_advisory_lock(0, 0), pg_sleep(1), pg_advisory_unlock(0, 0)"
        passing = pool.submit(lambda: coming.execute(work).rowcount)
        while superuser.execute(GATES).fetchall() == [(0,)]:
            time.sleep(0.01)

        stuck_locks.open_where_left_shut(connection)

        assert passing.result(timeout=60) == 1
