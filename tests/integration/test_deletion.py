"""A deleted segment with many members is hidden from readers at once. A job writes the exits."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from segmentation.contract.problems import SegmentUnknown
from segmentation.contract.requests import NewReport, NewSegment
from segmentation.domain import change_log, deletion, expiry, memberships, segments, users
from segmentation.domain import history as domain_history
from segmentation.jobs import leases, worker
from segmentation.reports import month_report, months, user_report
from tests.e2e.waiting import eventually
from tests.integration.fix_jobs import NO_TIME_LIMIT
from tests.reads import segments_of

MEMBERS = 100


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    monkeypatch.setattr(deletion, "MOST_MEMBERS", 20)
    monkeypatch.setattr(deletion, "BATCH_MEMBERS", 30)


@pytest.fixture
def deleted(connection, arrive, create, aws):
    """Delete a segment. No worker has written the exits yet."""
    arrive(MEMBERS)
    create("LARGE", 100)
    return segments.delete(connection, "LARGE", actor="analyst")


@pytest.fixture
def half_due(connection, superuser, arrive, create, aws):
    """Delete a segment in which half of the memberships are due. No worker has written the exits yet."""
    arrive(MEMBERS)
    create("LARGE", 100)
    with superuser.transaction():
        superuser.execute("set local session_replication_role = replica")
        superuser.execute(
            """
            update memberships
               set added_at = now() - interval '1 hour', expires_at = now() - interval '1 second'
             where memberships.user_id % 2 = 1
            """
        )
    return segments.delete(connection, "LARGE", actor="analyst")


def test_exits_have_the_comment_of_the_deletion_whoever_writes_them(
    connection, owner, arrive, create, operations, deliver, aws
):
    arrive(MEMBERS)
    create("LARGE", 100)
    job_id = segments.delete(connection, "LARGE", comment="ticket 4711", actor="analyst").job_id
    assert [each.comment for each in operations(1)] == [None, "ticket 4711"]

    users.delete(connection, 1, actor="support")
    deliver(job_id, **NO_TIME_LIMIT)

    comments = owner.execute(
        "select comment, count(*) from history left join causes using (cause_id) where action_id = 2 group by comment"
    )
    assert comments.fetchall() == [("ticket 4711", MEMBERS)]
    [deleted, _] = change_log.list_changes(connection, "LARGE", before="", limit=9).changes
    assert (deleted.job_id, deleted.users_deleted) == (job_id, MEMBERS)


@pytest.fixture
def operations(connection):
    """Read a user's history."""

    def read(user_id):
        now = datetime.now(UTC)
        page = domain_history.list_for_user(
            connection, user_id, since=now - timedelta(days=1), until=now + timedelta(days=1), after="", limit=10
        )
        return page.operations

    return read


def _by_its_job(own, deleted):
    worker.deliver(own, deleted.job_id, **NO_TIME_LIMIT)


def _by_a_report(own, deleted):
    for _ in deletion.end_pending_deletions(own):
        pass


def _segment_id(owner):
    [(segment_id,)] = owner.execute("select segment_id from segments").fetchall()
    return segment_id


def _is_waited_for(owner, session):
    waiting = owner.execute("select from pg_locks where not granted and %s = any (pg_blocking_pids(pid))", (session,))
    return waiting.rowcount > 0


def test_small_segment_is_emptied_within_the_request(connection, arrive, create, history):
    arrive(20)
    create("SMALL", 100)

    done = segments.delete(connection, "SMALL", actor="analyst")

    assert not hasattr(done, "job_id")
    assert [row["operation"] for row in history()].count("D") == 20


def test_large_segment_is_hidden_at_once(connection, deleted):
    with pytest.raises(SegmentUnknown):
        segments.get(connection, "LARGE")
    assert segments_of(connection, 1) == []
    assert memberships.list_for_users(connection, [1]).users[0].segments == []


def test_large_segment_frees_its_slug_at_once(connection, deleted):
    segments.create(connection, NewSegment(slug="LARGE"), actor="analyst")

    assert segments.get(connection, "LARGE").members == 0


def test_exit_is_in_the_history_before_the_job_has_written_it(deleted, operations):
    [entry, leaving] = operations(1)

    assert (entry.operation, leaving.operation) == ("I", "D")
    assert (leaving.reason, leaving.actor) == ("segment_deleted", "analyst")


def test_exit_reads_the_same_after_the_job_has_written_it(deleted, deliver, operations):
    before = operations(1)

    deliver(deleted.job_id, **NO_TIME_LIMIT)

    assert operations(1) == before


def test_exit_is_in_a_report_before_the_job_has_written_it(connection, deleted):
    now = datetime.now(UTC)

    rows = user_report.rows_of_user(connection, 1, months.Month(now.year, now.month))

    assert [row["operation"] for row in rows] == ["I", "D"]


def test_exit_is_in_a_report_on_all_users_before_the_job_has_written_it(connection, deleted, deliver, aws):
    now = datetime.now(UTC)
    wanted = NewReport(year=now.year, month=now.month)
    job_id = month_report.create_for_all(connection, wanted, actor="analyst").job_id

    deliver(job_id, **NO_TIME_LIMIT)

    result = leases.get(connection, job_id).result
    assert result["rows"] == 2 * MEMBERS
    assert aws.text(result["file_name"]).count(",LARGE,D,") == MEMBERS


def test_job_ends_every_membership_at_the_moment_of_deletion(connection, owner, deleted, deliver, history):
    deliver(deleted.job_id, **NO_TIME_LIMIT)

    [(deleted_at,)] = owner.execute("select deleted_at from segments").fetchall()
    exits = [row for row in history() if row["operation"] == "D"]
    assert len(exits) == MEMBERS
    assert {(row["executed_at"], row["reason"], row["actor"]) for row in exits} == {
        (deleted_at, "segment_deleted", "analyst")
    }
    assert leases.get(connection, deleted.job_id).result == {"users_deleted": MEMBERS}


def test_membership_that_expired_before_the_deletion_exits_at_its_expiry(
    connection, arrive, create, expire, deliver, history, aws
):
    arrive(MEMBERS)
    create("LARGE", 100)
    expire(1, "LARGE")

    deleted = segments.delete(connection, "LARGE", actor="analyst")
    deliver(deleted.job_id, **NO_TIME_LIMIT)

    assert [(row["operation"], row["reason"]) for row in history(1)] == [("I", "percent"), ("D", "ttl")]


def test_user_deleted_before_the_job_has_the_exit_of_the_segment(connection, deleted, deliver, history):
    gone = users.delete(connection, 1, erase=False, actor="support")
    deliver(deleted.job_id, **NO_TIME_LIMIT)

    leaving = history(1)[-1]
    assert (gone.segments_deleted, leaving["reason"], leaving["actor"]) == (0, "segment_deleted", "analyst")


@pytest.mark.parametrize("round_", range(5))
def test_sweep_report_and_job_write_each_exit_once(connection, half_due, deliver, at_once, history, round_):
    at_once(
        lambda own: worker.deliver(own, half_due.job_id, **NO_TIME_LIMIT),
        lambda own: expiry.sweep(own, go_on=lambda: True),
        lambda own: [*deletion.end_pending_deletions(own)],
        lambda own: worker.deliver(own, half_due.job_id, **NO_TIME_LIMIT),
    )

    exits = [(row["user_id"], row["reason"]) for row in history() if row["operation"] == "D"]
    assert sorted(exits) == [(user_id, ("segment_deleted", "ttl")[user_id % 2]) for user_id in range(1, MEMBERS + 1)]
    assert leases.get(connection, half_due.job_id).result == {"users_deleted": MEMBERS // 2}


@pytest.mark.parametrize("emptying", [_by_its_job, _by_a_report])
def test_job_or_report_that_finds_a_batch_already_written_writes_the_rest(
    connection, owner, deleted, at_once, emptying
):
    def write_a_batch(own):
        with own.transaction():
            deletion.end_memberships(own, _segment_id(owner), most=deletion.BATCH_MEMBERS)
            [(session,)] = own.execute("select pg_backend_pid()").fetchall()
            started.set()
            eventually(lambda: _is_waited_for(owner, session))

    def write_the_rest(own):
        started.wait(timeout=30)
        emptying(own, deleted)

    started = threading.Event()

    at_once(write_a_batch, write_the_rest)

    assert owner.execute("select count(*) from memberships").fetchone() == (0,)
    assert owner.execute("select count(*) from history where action_id = 2").fetchone() == (MEMBERS,)


def test_segment_marked_empty_too_early_is_still_emptied(connection, owner, deleted, deliver, history):
    connection.execute("update segments set is_emptying = false")

    for (job_id,) in owner.execute("select job_id from jobs where job_id <> %s", (deleted.job_id,)).fetchall():
        deliver(job_id, **NO_TIME_LIMIT)

    assert owner.execute("select count(*) from memberships").fetchone() == (0,)
    assert owner.execute("select count(*) from segments where is_emptying").fetchone() == (0,)
    assert {row["actor"] for row in history() if row["operation"] == "D"} == {"analyst"}


@pytest.mark.parametrize(
    "look",
    [
        lambda own: list(deletion.end_pending_deletions(own)),
        lambda own: own.execute("update segments set is_emptying = false where is_emptying"),
    ],
    ids=["a-report", "the-end-of-the-job"],
)
def test_empty_segment_is_found_empty_without_reading_all_memberships(connection, superuser, arrive, create, aws, look):
    arrive(3000)
    create("LARGE", 100)
    create("OTHER", 100)
    superuser.execute("vacuum (analyze) memberships")  # no later vacuum removes the rows of the emptied segment
    segments.delete(connection, "LARGE", actor="analyst")
    [(segment_id,)] = superuser.execute("select segment_id from segments where is_emptying").fetchall()
    deletion.end_memberships(connection, segment_id, most=3000)

    with connection.transaction():
        before = _rows_read(connection)
        look(connection)
        assert _rows_read(connection) == before


def _rows_read(connection):
    """Count the memberships that sequential scans have read."""
    read = "select seq_tup_read from pg_stat_xact_user_tables where relname = 'memberships'"
    [(rows,)] = connection.execute(read).fetchall()
    return rows


def test_job_also_counts_exits_that_a_report_has_written(connection, deleted, deliver, monkeypatch):
    monkeypatch.setattr(deletion, "COUNTED_ROWS", MEMBERS // 4)
    next(deletion.end_pending_deletions(connection))

    deliver(deleted.job_id, **NO_TIME_LIMIT)

    job = leases.get(connection, deleted.job_id)
    assert (job.result, job.done) == ({"users_deleted": MEMBERS}, job.total)


@pytest.mark.parametrize("step", [1, 2, 4])
def test_worker_that_dies_in_a_batch_leaves_no_part_of_it(
    connection, deleted, deliver, deliver_to_dying_worker, history, step
):
    deliver_to_dying_worker(deleted.job_id, step)
    deliver(deleted.job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, deleted.job_id).result == {"users_deleted": MEMBERS}
    assert [row["operation"] for row in history()].count("D") == MEMBERS


def test_job_deletes_the_rollout(owner, deleted, deliver):
    deliver(deleted.job_id, **NO_TIME_LIMIT)

    assert owner.execute("select count(*) from rollouts").fetchone() == (0,)
    assert owner.execute("select count(*) from segments where is_emptying").fetchone() == (0,)


def test_job_deletes_overrides_in_batches(connection, owner, arrive, create, change, deliver, aws):
    arrive(MEMBERS)
    create("LEFT", 100)
    for user_id in range(1, MEMBERS + 1):
        change(user_id, delete_segments=["LEFT"])

    deleted = segments.delete(connection, "LEFT", actor="analyst")
    left = []
    while leases.get(connection, deleted.job_id).status != "succeeded":
        left.append(owner.execute("select count(*) from rollout_overrides").fetchone())
        deliver(deleted.job_id, time_left=lambda: False)

    assert left == [(100,), (70,), (40,), (10,), (0,)]
    assert leases.get(connection, deleted.job_id).result == {"users_deleted": 0}
    assert owner.execute("select count(*) from rollouts").fetchone() == (0,)
