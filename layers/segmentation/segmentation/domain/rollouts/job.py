"""The job that brings a segment to its percent if that changes more users than a request may.

The job walks the users in order of their ids. Each batch makes its part of the changes. The walk leaves out users who
arrive meanwhile, because the database has already decided about them. Between batches, writers change memberships and
users are deleted. Therefore the walk leaves some changes to one last transaction, which counts the users who are left
and makes the share exact.
"""

import time
from collections.abc import Generator
from dataclasses import asdict, dataclass, replace
from typing import Any

from psycopg import Connection, errors
from psycopg.rows import class_row

from segmentation.database import transactions
from segmentation.domain.rollouts import enrolment, percent
from segmentation.domain.rollouts.enrolment import Remaining, Rollout
from segmentation.domain.rollouts.percent import ROLLOUT, Outcome
from segmentation.jobs import leases
from segmentation.jobs.leases import Kind, Lease, Step

BATCH_CHANGES = 10_000
"""Users that a transaction changes. Writers to the segment wait for it."""

BATCH_CANDIDATES = 500_000
"""The most users that a transaction scans, if it changes few of them."""

MOST_REPEATS = 3
"""The walks after the first one. They are needed only if more users than a request changes came or went meanwhile."""

LOCK_RETRY_SECONDS = 60
"""The longest time without a batch, while other sessions lock the segment, before a try of the job fails."""


@dataclass(frozen=True)
class Progress:
    """The position of the walk, and the remaining changes. A walk without a position counts them first."""

    added: int = 0
    deleted: int = 0
    after: int = 0
    change: int = 0
    candidates: int = 0
    ended: bool = False
    repeated: int = 0


def run(connection: Connection, lease: Lease) -> Generator[Step, None, dict[str, Any]]:
    """Walk until the number is right. A new percent, or the segment's deletion, also ends the job."""
    progress, last_batch_at = Progress(**lease.progress), time.monotonic()
    while not progress.ended:
        before = progress
        try:
            progress = transactions.retry_aborted(lambda: _run_batch(connection, lease, before))  # noqa: B023 -- called at once
        except errors.LockNotAvailable:
            if time.monotonic() - last_batch_at > LOCK_RETRY_SECONDS:
                raise
            yield _step(before)
            continue
        last_batch_at = time.monotonic()
        percent.count_metrics(Outcome(progress.added - before.added, progress.deleted - before.deleted))
        if not progress.ended:
            yield _step(progress)
    return {"users_added": progress.added, "users_deleted": progress.deleted}


def _run_batch(connection: Connection, lease: Lease, progress: Progress) -> Progress:
    """Run a batch and save the progress in one transaction, so a worker that is killed leaves both or neither."""
    with transactions.transaction_of_job(connection, actor=lease.actor, cause_id=lease.cause_id, reason="percent"):
        rollout = _lock_rollout(connection, lease)
        if rollout is None:
            progress = replace(progress, change=0, ended=True)
        elif progress.after == 0:
            progress = _begin_walk(connection, rollout, progress)
        if not progress.ended and rollout is not None:
            progress = _walk(connection, rollout, progress)
        leases.save(connection, lease, _step(progress))
    return progress


def _lock_rollout(connection: Connection, lease: Lease) -> Rollout | None:
    """Lock the segment against writers and other rollouts, and users against deletion.

    Return None if the rollout has another job, or none.
    """
    segment_id = lease.parameters["segment_id"]
    connection.execute("select hold_segment(%s::integer)", (segment_id,))
    connection.execute("select hold_user_deletions()")
    with connection.cursor(row_factory=class_row(Rollout)) as cursor:
        # a statement of its own: the snapshot of the first can be older than its lock
        return cursor.execute(
            """
            select rollouts.segment_id, rollouts.salt, rollouts.base_arrivals as arrivals,
                   segments.user_percent as percent
              from rollouts
              join segments on segments.segment_id = rollouts.segment_id
             where rollouts.segment_id = %s::integer and rollouts.job_id = %s::uuid and segments.deleted_at is null
            """,
            (segment_id, lease.job_id),
        ).fetchone()


def _begin_walk(connection: Connection, rollout: Rollout, progress: Progress) -> Progress:
    """Count what a walk has to change. If a transaction can change that, complete the rollout and end the job.

    The number of walks is bounded, because users may be deleted, added and removed without end.
    """
    counts = enrolment.count(connection, rollout)
    wanted = percent.wanted_members(counts.users, rollout.percent, rollout.percent, counts.enrolled, draw=0)
    change = wanted - counts.enrolled
    candidates = counts.enrollable if change > 0 else counts.releasable
    repeated = progress.repeated + (progress != Progress())
    if abs(change) > percent.MOST_CHANGES and candidates > 0 and repeated <= MOST_REPEATS:
        return replace(progress, change=change, candidates=candidates, repeated=repeated)
    outcome = percent.complete(connection, rollout.segment_id, rollout.percent)
    added, deleted = progress.added + outcome.added, progress.deleted + outcome.deleted
    return replace(progress, added=added, deleted=deleted, change=0, ended=True)


def _walk(connection: Connection, rollout: Rollout, progress: Progress) -> Progress:
    """Change a batch. The walk leaves some changes to the last transaction, which knows the users who are left then."""
    left = min(BATCH_CHANGES, abs(progress.change))
    change = progress.change - left if progress.change > 0 else progress.change + left
    if change == 0 or progress.candidates <= 0:
        return replace(progress, after=0)
    most = min(BATCH_CANDIDATES, -(-BATCH_CHANGES * progress.candidates // abs(change)))
    remaining = Remaining(change, progress.candidates)
    batch = enrolment.enrol_or_release(connection, rollout, remaining, after=progress.after, most=most)
    added, deleted = (batch.changed, 0) if progress.change > 0 else (0, batch.changed)
    return replace(
        progress,
        added=progress.added + added,
        deleted=progress.deleted + deleted,
        after=batch.last_user_id if batch.candidates == most else 0,
        change=progress.change - added + deleted,
        candidates=progress.candidates - batch.candidates,
    )


def _step(progress: Progress) -> Step:
    done = progress.added + progress.deleted
    is_counted = progress != Progress()
    # without "repeated" as long as it is 0, because the previous release does not know it
    saved = {name: value for name, value in asdict(progress).items() if value or name != "repeated"}
    return Step(done, done + abs(progress.change) if is_counted else None, saved)


KIND = Kind(ROLLOUT, run)
