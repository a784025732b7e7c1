"""The job that brings a segment to its percent if that changes more users than a request may.

The job walks the users in order of their ids. Each batch makes its part of the remaining changes, and the last batch
makes the rest, so the sum is exact. The walk leaves out users who arrive meanwhile, because the database has already
decided about them. After the walk the job counts again, because writers change memberships between batches. It walks
again if changes remain.
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
    with transactions.transaction(connection, actor=lease.actor, reason="percent"):
        rollout = _lock_rollout(connection, lease)
        if rollout is None:
            progress = replace(progress, ended=True)
        else:
            progress = _walk(connection, rollout, lease.parameters["wanted"], progress)
        leases.save(connection, lease, _step(progress))
    return progress


def _lock_rollout(connection: Connection, lease: Lease) -> Rollout | None:
    """Lock the segment against writers and other rollouts. Return None if the rollout has another job, or none."""
    segment_id = lease.parameters["segment_id"]
    connection.execute("select hold_segment(%s::integer)", (segment_id,))
    with connection.cursor(row_factory=class_row(Rollout)) as cursor:
        # a second statement: the snapshot of the first can be older than its lock
        return cursor.execute(
            """
            select rollouts.segment_id, rollouts.salt, rollouts.base_arrivals as arrivals
              from rollouts
              join segments on segments.segment_id = rollouts.segment_id
             where rollouts.segment_id = %s::integer and rollouts.job_id = %s::uuid and segments.deleted_at is null
            """,
            (segment_id, lease.job_id),
        ).fetchone()


def _walk(connection: Connection, rollout: Rollout, wanted: int, progress: Progress) -> Progress:
    """Change a batch. At the start of a walk, count first, and end the job if no user is to change or can change."""
    starts = progress.after == 0
    remaining = Remaining(progress.change, progress.candidates)
    if starts:
        remaining = enrolment.count_remaining(connection, rollout, wanted)
    if remaining.change == 0 or remaining.candidates <= 0:
        return replace(progress, after=0, ended=starts)
    most = min(BATCH_CANDIDATES, -(-BATCH_CHANGES * remaining.candidates // abs(remaining.change)))
    batch = enrolment.enrol_or_release(connection, rollout, remaining, wanted, after=progress.after, most=most)
    added, deleted = (batch.changed, 0) if remaining.change > 0 else (0, batch.changed)
    return Progress(
        added=progress.added + added,
        deleted=progress.deleted + deleted,
        after=batch.last_user_id if batch.candidates == most else 0,
        change=remaining.change - added + deleted,
        candidates=remaining.candidates - batch.candidates,
    )


def _step(progress: Progress) -> Step:
    done = progress.added + progress.deleted
    is_counted = progress != Progress()
    return Step(done, done + abs(progress.change) if is_counted else None, asdict(progress))


KIND = Kind(ROLLOUT, run)
