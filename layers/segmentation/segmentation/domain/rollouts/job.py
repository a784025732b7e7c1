"""The kind of job that brings a segment to its percent, where that changes more users than a request may.

The users are walked in order of their ids, and each batch changes its fair part of what is left to change: the last
of them makes the number exact. Who arrives meanwhile is not among them; the database has decided those already. What
writers change by hand between two batches is counted anew when the walk is over, and walked again where it matters.
"""

import time
from collections.abc import Generator
from dataclasses import asdict, dataclass, replace
from typing import Any

from psycopg import Connection, errors
from psycopg.rows import class_row

from segmentation.database import transactions
from segmentation.domain.rollouts import enrolment, percent
from segmentation.domain.rollouts.enrolment import Population, Share
from segmentation.domain.rollouts.percent import ROLLOUT, Outcome
from segmentation.jobs import leases
from segmentation.jobs.leases import Kind, Lease, Step

BATCH_CHANGES = 10_000
"""Users that a transaction changes: some tenths of a second, for which writers to the segment wait."""

BATCH_CANDIDATES = 500_000
"""Users that a transaction walks at most, where few of them are to change."""

PATIENCE_SECONDS = 60
"""How long the segment may be in use by others, batch after batch, until that ends a try of the job."""


@dataclass(frozen=True)
class Progress:
    """Where the walk is, and what it has still to do; without a share, it has to count first."""

    added: int = 0
    deleted: int = 0
    after: int = 0
    change: int = 0
    candidates: int = 0
    ended: bool = False


def run(connection: Connection, lease: Lease) -> Generator[Step, None, dict[str, Any]]:
    """Walk until the number is right, or the percent is changed or the segment deleted, which ends this job."""
    progress, moved_at = Progress(**lease.progress), time.monotonic()
    while not progress.ended:
        before = progress
        try:
            progress = transactions.retry_aborted(lambda: _advance(connection, lease, before))  # noqa: B023 -- called at once
        except errors.LockNotAvailable:
            if time.monotonic() - moved_at > PATIENCE_SECONDS:
                raise
            yield _step(before)
            continue
        moved_at = time.monotonic()
        percent.report(Outcome(progress.added - before.added, progress.deleted - before.deleted))
        if not progress.ended:
            yield _step(progress)
    return {"users_added": progress.added, "users_deleted": progress.deleted}


def _advance(connection: Connection, lease: Lease, progress: Progress) -> Progress:
    """Do a batch and write down how far it came, in one transaction: a worker that dies does neither."""
    with transactions.transaction(connection, actor=lease.actor, reason="percent"):
        of = _hold(connection, lease)
        if of is None:
            progress = replace(progress, ended=True)
        else:
            progress = _walk(connection, of, lease.parameters["wanted"], progress)
        leases.save(connection, lease, _step(progress))
    return progress


def _hold(connection: Connection, lease: Lease) -> Population | None:
    """Lock the segment against writers and other rollouts; None where this job is not its rollout any more."""
    segment_id = lease.parameters["segment_id"]
    connection.execute("select hold_segment(%s::integer)", (segment_id,))
    with connection.cursor(row_factory=class_row(Population)) as cursor:
        # behind the lock, and not with it: a statement that waits sees the rollout as it was before
        return cursor.execute(
            """
            select rollouts.segment_id, rollouts.salt, rollouts.base_arrivals as arrivals
              from rollouts
              join segments on segments.segment_id = rollouts.segment_id
             where rollouts.segment_id = %s::integer and rollouts.job_id = %s::uuid and segments.deleted_at is null
            """,
            (segment_id, lease.job_id),
        ).fetchone()


def _walk(connection: Connection, of: Population, wanted: int, progress: Progress) -> Progress:
    """Change a batch; count first where a walk begins, and end where nothing is to change or nobody can."""
    begins = progress.after == 0
    share = enrolment.count(connection, of, wanted) if begins else Share(progress.change, progress.candidates)
    if share.change == 0 or share.candidates <= 0:
        return replace(progress, after=0, ended=begins)
    most = min(BATCH_CANDIDATES, -(-BATCH_CHANGES * share.candidates // abs(share.change)))
    batch = enrolment.level(connection, of, share, wanted, after=progress.after, most=most)
    added, deleted = (batch.changed, 0) if share.change > 0 else (0, batch.changed)
    return Progress(
        added=progress.added + added,
        deleted=progress.deleted + deleted,
        after=batch.last_user_id if batch.candidates == most else 0,
        change=share.change - added + deleted,
        candidates=share.candidates - batch.candidates,
    )


def _step(progress: Progress) -> Step:
    done = progress.added + progress.deleted
    total = None if progress == Progress() else done + abs(progress.change)  # nothing is counted yet
    return Step(done, total, asdict(progress))


KIND = Kind(ROLLOUT, run)
