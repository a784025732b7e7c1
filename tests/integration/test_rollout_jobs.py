"""A rollout too large for a request runs in batches. It stays exact while users arrive and clients write."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg import errors

from segmentation.contract.requests import NewSegment, SegmentChange
from segmentation.database.connection import connect
from segmentation.domain import change_log, segments, users
from segmentation.domain.rollouts import job as rollout_job
from segmentation.domain.rollouts import percent as rollout_percent
from segmentation.domain.rollouts.enrolment import Batch
from segmentation.jobs import leases, worker
from tests.e2e.waiting import eventually
from tests.integration.fix_jobs import NO_TIME_LIMIT
from tests.integration.test_write_order import WAITS_FOR_ME

USERS = 400


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    monkeypatch.setattr(rollout_percent, "MOST_CHANGES", 20)
    monkeypatch.setattr(rollout_job, "BATCH_CHANGES", 10)


@pytest.fixture
def started(arrive, create, aws):
    """Order a rollout to a quarter of the users. No worker has started it."""
    arrive(USERS)
    return create("ROLLOUT", 25)


@pytest.fixture
def batches(connection, deliver):
    """Do a job one batch at a time, and call a function between batches."""

    def run(job_id, between):
        deliver(job_id, time_left=lambda: False)
        while leases.get(connection, job_id).status == "queued":
            between()
            deliver(job_id, time_left=lambda: False)

    return run


def test_large_rollout_answers_with_its_job(connection, started, aws):
    job = leases.get(connection, started.job_id)

    assert (started.users_added, job.kind, job.status) == (0, "rollout", "queued")
    assert aws.messages() == [str(started.job_id)]
    assert segments.get(connection, "ROLLOUT").user_percent == 25


def test_job_enrols_the_exact_share(connection, started, deliver, automatic_members):
    deliver(started.job_id, **NO_TIME_LIMIT)

    job = leases.get(connection, started.job_id)
    assert (job.status, job.done, job.total) == ("succeeded", 100, 100)
    assert job.result == {"users_added": 100, "users_deleted": 0}
    assert len(automatic_members("ROLLOUT")) == 100


def log_of(connection):
    """The comments, the jobs and the numbers of users in the log of the segment, newest first."""
    changes = change_log.list_changes(connection, "ROLLOUT", before="", limit=9).changes
    return [(each.comment, each.job_id, each.users_added, each.users_deleted) for each in changes]


@pytest.fixture
def commented(connection, arrive, aws):
    """Order a rollout to a quarter of the users, with a comment."""
    arrive(USERS)
    new = NewSegment(slug="ROLLOUT", user_percent=25, comment="ticket 4711")
    return segments.create(connection, new, actor="analyst")


def test_entries_of_a_job_have_the_comment_of_the_request(owner, commented, deliver):
    deliver(commented.job_id, **NO_TIME_LIMIT)

    entries = owner.execute(
        "select causes.comment, count(*) from history left join causes using (cause_id) group by causes.comment"
    ).fetchall()
    assert entries == [("ticket 4711", 100)]
    assert owner.execute("select count(*) from causes").fetchall() == [(1,)]


def test_log_has_the_numbers_of_a_job_while_it_runs_and_after_its_end(connection, owner, commented, deliver):
    job_id = commented.job_id
    assert log_of(connection) == [("ticket 4711", job_id, 0, 0)]

    deliver(job_id, time_left=lambda: False)
    assert log_of(connection) == [("ticket 4711", job_id, leases.get(connection, job_id).done, 0)]

    deliver(job_id, **NO_TIME_LIMIT)
    assert log_of(connection) == [("ticket 4711", job_id, 100, 0)]

    owner.execute("delete from jobs")
    assert log_of(connection) == [("ticket 4711", job_id, 100, 0)]


@pytest.mark.usefixtures("commented")
def test_user_who_arrives_while_a_job_runs_has_no_comment(owner, arrive):
    arrive(100, after=1000)

    assert owner.execute("select count(*), count(cause_id) from history").fetchall() == [(25, 0)]


@pytest.fixture
def lock_elsewhere(superuser):
    """Lock a segment from another session for this many seconds."""

    def lock(slug, seconds):
        superuser.execute("begin")
        superuser.execute("select from segments where slug = %s for update", (slug,))
        return pool.submit(superuser.execute, f"select pg_sleep({seconds}); rollback")

    with ThreadPoolExecutor(1) as pool:
        yield lock


@pytest.mark.parametrize("first_batches", [0, 1])
def test_job_waits_for_its_segment_and_continues(
    connection, started, deliver, lock_elsewhere, automatic_members, first_batches
):
    for _ in range(first_batches):
        deliver(started.job_id, time_left=lambda: False)
    held = lock_elsewhere("ROLLOUT", 4)

    deliver(started.job_id, **NO_TIME_LIMIT)

    held.result()
    assert leases.get(connection, started.job_id).status == "succeeded"
    assert len(automatic_members("ROLLOUT")) == 100


def test_segment_that_stays_locked_ends_an_attempt_of_its_job(
    connection, started, deliver, lock_elsewhere, monkeypatch
):
    monkeypatch.setattr(rollout_job, "LOCK_RETRY_SECONDS", 1)
    held = lock_elsewhere("ROLLOUT", 4)

    with pytest.raises(errors.LockNotAvailable):
        deliver(started.job_id, **NO_TIME_LIMIT)

    held.result()
    job = leases.get(connection, started.job_id)
    assert (job.status, job.done, job.total) == ("queued", 0, None)


def test_job_releases_the_exact_surplus(connection, started, deliver, set_percent, automatic_members, history):
    deliver(started.job_id, **NO_TIME_LIMIT)

    changed = set_percent("ROLLOUT", 10)
    deliver(changed.job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, changed.job_id).result == {"users_added": 0, "users_deleted": 60}
    assert len(automatic_members("ROLLOUT")) == 40
    assert {(row["reason"], row["actor"]) for row in history()} == {("percent", "analyst")}


def test_users_who_arrive_between_batches_are_decided_once(connection, started, batches, automatic_members):
    arrived = iter(range(USERS + 1, USERS * 10))

    batches(started.job_id, lambda: [users.create(connection, next(arrived), actor="backend") for _ in range(4)])

    [count] = connection.execute("select count(*) from users").fetchone()
    assert len(automatic_members("ROLLOUT")) == count // 4


def test_progress_is_shown_between_batches(connection, started, batches):
    seen = []

    batches(started.job_id, lambda: seen.append(leases.get(connection, started.job_id).done))

    assert seen == sorted(seen)
    assert len(set(seen)) > 5


def test_manual_decisions_between_batches_are_respected(
    connection, started, batches, automatic_members, change, slugs_of
):
    out, by_hand = iter(range(1, USERS, 50)), iter(range(2, USERS, 50))

    def decide():
        change(next(out, 1), delete_segments=["ROLLOUT"])
        change(next(by_hand, 2), add_segments=["ROLLOUT"])

    batches(started.job_id, decide)
    segments.update(connection, "ROLLOUT", SegmentChange(user_percent=25), actor="analyst")

    assert len(automatic_members("ROLLOUT")) == 100
    assert [slugs_of(user_id) for user_id in range(1, USERS, 50)] == [[]] * 8
    assert [slugs_of(user_id) for user_id in range(2, USERS, 50)] == [["ROLLOUT"]] * 8


def test_users_deleted_between_batches_do_not_stop_the_job(connection, started, batches, automatic_members):
    deleted = iter(range(1, USERS, 3))

    batches(started.job_id, lambda: users.delete(connection, next(deleted), erase=False, actor="support"))

    [(there,)] = connection.execute("select count(*) from users").fetchall()
    assert leases.get(connection, started.job_id).status == "succeeded"
    assert there < USERS
    assert there // 4 <= len(automatic_members("ROLLOUT")) <= -(-there // 4)


def test_share_is_that_of_the_users_who_are_left_when_the_job_begins(
    connection, started, deliver, owner, automatic_members
):
    owner.execute("delete from users where user_id > 200")

    deliver(started.job_id, **NO_TIME_LIMIT)

    assert len(automatic_members("ROLLOUT")) == 50


def test_lowering_enrols_no_user_although_users_are_deleted(
    connection, started, deliver, set_percent, batches, automatic_members, history
):
    deliver(started.job_id, **NO_TIME_LIMIT)
    before = automatic_members("ROLLOUT")
    lowered = set_percent("ROLLOUT", 5)
    outsiders = iter(sorted(set(range(1, USERS + 1)) - before))

    batches(
        lowered.job_id,
        lambda: [users.delete(connection, next(outsiders), erase=False, actor="support") for _ in range(3)],
    )

    [(there,)] = connection.execute("select count(*) from users").fetchall()
    assert there // 20 <= len(automatic_members("ROLLOUT")) <= -(-there // 20)
    assert [row["operation"] for row in history()].count("I") == 100


def test_walks_of_a_job_are_bounded(connection, started, deliver, monkeypatch):
    walks = []
    begin_walk = rollout_job._begin_walk

    def count_walk(connection, rollout, progress):
        walks.append(progress)
        return begin_walk(connection, rollout, progress)

    monkeypatch.setattr(rollout_job, "_begin_walk", count_walk)
    monkeypatch.setattr(rollout_job.enrolment, "enrol_or_release", lambda *_, **__: Batch(0, 0, 0))
    deliver(started.job_id, **NO_TIME_LIMIT)

    assert len(walks) == 2 + rollout_job.MOST_REPEATS
    assert leases.get(connection, started.job_id).status == "succeeded"


@pytest.mark.parametrize("percent", [10, 20, 30, 100])
def test_percent_after_null_is_exact_although_a_lowering_was_stopped(
    connection, started, deliver, set_percent, automatic_members, percent
):
    deliver(started.job_id, **NO_TIME_LIMIT)
    deliver(set_percent("ROLLOUT", 10).job_id, time_left=lambda: False)
    set_percent("ROLLOUT", None)

    again = set_percent("ROLLOUT", percent)
    if hasattr(again, "job_id"):
        deliver(again.job_id, **NO_TIME_LIMIT)

    assert len(automatic_members("ROLLOUT")) == USERS * percent // 100


@pytest.mark.parametrize("step", [1, 3, 8])
def test_worker_that_dies_in_a_batch_leaves_no_part_of_it(
    connection, started, deliver, deliver_to_dying_worker, automatic_members, step
):
    deliver_to_dying_worker(started.job_id, step)
    assert leases.get(connection, started.job_id).done == len(automatic_members("ROLLOUT")) < 100

    deliver(started.job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, started.job_id).result == {"users_added": 100, "users_deleted": 0}
    assert len(automatic_members("ROLLOUT")) == 100


def test_next_percent_replaces_a_running_job(connection, started, deliver, set_percent, automatic_members):
    deliver(started.job_id, time_left=lambda: False)

    changed = set_percent("ROLLOUT", 50)
    deliver(started.job_id, **NO_TIME_LIMIT)
    deliver(changed.job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, started.job_id).result["users_added"] < 20
    assert len(automatic_members("ROLLOUT")) == 200


@pytest.mark.parametrize(
    ("percents", "members"),
    [
        ([50, 10, 10], 40),
        ([50, 0, 0], 0),
        ([50, 0, 20], 80),
        ([50, 10, 10, 10], 40),
        ([50, 10, 20], 80),
        ([50, 10, 10, 20], 80),
        ([10, 50, 50], 200),
        ([10, 50, 30], 120),
        ([10, 50, 50, 30], 120),
    ],
)
def test_percent_is_exact_whatever_the_previous_job_left(
    connection, arrive, make_segments, set_percent, deliver, automatic_members, aws, percents, members
):
    arrive(USERS)
    make_segments("ROLLOUT")
    deliver(set_percent("ROLLOUT", percents[0]).job_id, **NO_TIME_LIMIT)

    for percent in percents[1:-1]:
        deliver(set_percent("ROLLOUT", percent).job_id, time_left=lambda: False)
    deliver(set_percent("ROLLOUT", percents[-1]).job_id, **NO_TIME_LIMIT)

    assert len(automatic_members("ROLLOUT")) == members


def test_percent_of_zero_releases_the_users_whom_a_stopped_job_left(started, deliver, set_percent, automatic_members):
    deliver(started.job_id, **NO_TIME_LIMIT)
    deliver(set_percent("ROLLOUT", 0).job_id, time_left=lambda: False)
    set_percent("ROLLOUT", None)

    deliver(set_percent("ROLLOUT", 0).job_id, **NO_TIME_LIMIT)

    assert automatic_members("ROLLOUT") == set()


def test_users_who_arrived_before_the_percent_was_repeated_are_part_of_its_share(
    started, arrive, deliver, set_percent, automatic_members
):
    deliver(started.job_id, **NO_TIME_LIMIT)
    deliver(set_percent("ROLLOUT", 10).job_id, time_left=lambda: False)
    arrive(100, after=USERS)

    deliver(set_percent("ROLLOUT", 10).job_id, **NO_TIME_LIMIT)

    assert len(automatic_members("ROLLOUT")) == 50


@pytest.mark.parametrize(("percent", "members"), [(10, 40), (50, 200)])
def test_same_percent_again_completes_the_work_of_a_failed_job(
    started, deliver, fail, set_percent, automatic_members, percent, members
):
    deliver(started.job_id, **NO_TIME_LIMIT)
    failed = set_percent("ROLLOUT", percent).job_id
    deliver(failed, time_left=lambda: False)
    fail(failed)

    deliver(set_percent("ROLLOUT", percent).job_id, **NO_TIME_LIMIT)

    assert len(automatic_members("ROLLOUT")) == members


def test_same_percent_again_releases_a_surplus_from_deleted_users(
    started, deliver, set_percent, automatic_members, owner
):
    deliver(started.job_id, time_left=lambda: False)
    owner.execute("delete from users where user_id not in (select user_id from memberships)")

    set_percent("ROLLOUT", 25)

    assert len(automatic_members("ROLLOUT")) in {2, 3}


def test_removed_percent_stops_a_job_and_keeps_its_members(
    connection, started, deliver, set_percent, automatic_members
):
    deliver(started.job_id, time_left=lambda: False)
    before = automatic_members("ROLLOUT")

    set_percent("ROLLOUT", None)
    deliver(started.job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, started.job_id).status == "succeeded"
    assert automatic_members("ROLLOUT") == before


@pytest.mark.parametrize("percent", [None, 4])
def test_batch_that_waited_for_a_new_percent_changes_no_membership(
    connection, started, deliver, set_percent, automatic_members, empty_database, percent
):
    deliver(started.job_id, time_left=lambda: False)
    done = len(automatic_members("ROLLOUT"))

    with connect(empty_database.url) as own, ThreadPoolExecutor(1) as pool:
        with connection.transaction():
            set_percent("ROLLOUT", percent)
            waiting = pool.submit(worker.deliver, own, started.job_id, **NO_TIME_LIMIT)
            eventually(lambda: connection.execute(WAITS_FOR_ME).rowcount)
        waiting.result(timeout=60)

    assert leases.get(connection, started.job_id).result == {"users_added": done, "users_deleted": 0}
    assert len(automatic_members("ROLLOUT")) == (done if percent is None else USERS * percent // 100)


def test_deleted_segment_stops_a_job(connection, started, deliver):
    deliver(started.job_id, time_left=lambda: False)

    segments.delete(connection, "ROLLOUT", actor="analyst")
    deliver(started.job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, started.job_id).status == "succeeded"
    assert connection.execute("select count(*) from memberships").fetchone() == (0,)


def test_job_stops_when_no_user_is_left_to_enrol(connection, arrive, make_segments, change, set_percent, deliver, aws):
    arrive(60)
    make_segments("ROLLOUT")
    for user_id in range(1, 31):
        change(user_id, add_segments=["ROLLOUT"])

    changed = set_percent("ROLLOUT", 90)
    deliver(changed.job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, changed.job_id).result == {"users_added": 30, "users_deleted": 0}


def test_concurrent_workers_do_the_job_once(connection, started, at_once, automatic_members):
    at_once(*[lambda own: worker.deliver(own, started.job_id, **NO_TIME_LIMIT)] * 4)

    assert leases.get(connection, started.job_id).result == {"users_added": 100, "users_deleted": 0}
    assert len(automatic_members("ROLLOUT")) == 100
