"""Jobs: work that outlasts a request, done once however often its message is delivered.

A worker holds a lease on the job it runs and renews it with every step it saves. Only the holder can write, so a worker
whose lease expired can no longer change the job. The next worker continues from the saved progress.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from segmentation.contract.problems import JobUnknown
from segmentation.contract.responses import Job

MAX_ATTEMPTS = 5
"""Tries without progress until a job fails. After as many deliveries, the queue makes a message a dead letter."""

LEASE_SECONDS = 120
"""The longest time that a step may take. After that, another worker may take the job over."""

REQUEUE_SECONDS = 180
"""After this time without a valid lease or a new message, a job is queued again. Its message or worker is lost."""

# The clock of the database can step back. An instant more than ten minutes ahead therefore counts as one in the past.
# Otherwise the jobs of lost workers would wait until the clock has passed it.


class LeaseLost(Exception):
    """Another worker has taken this job over, or has finished it."""


class JobRejected(Exception):
    """The job cannot succeed, however often it is tried. A kind raises it with the reason for the client.

    The result has what the job did before that. Nothing is left for an operator to do, so there is no dead letter.
    """

    def __init__(self, reason: str, result: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.result = result


@dataclass(frozen=True)
class Lease:
    """The exclusive right of one worker to run a job."""

    job_id: UUID
    lease: UUID
    kind: str
    parameters: dict[str, Any]
    actor: str
    progress: dict[str, Any]
    attempts: int
    cause_id: int | None


@dataclass(frozen=True)
class Failure:
    """A job that failed because it had no tries left, and whether its dead letter has been sent."""

    kind: str
    progress: dict[str, Any]
    finished_at: datetime
    is_reported: bool


@dataclass(frozen=True)
class Step:
    """The progress of a job. A kind's generator yields one after each piece of work."""

    done: int
    total: int | None
    progress: dict[str, Any]
    advanced: bool = False
    """Whether the job made progress that done does not count. The attempts then begin again."""


@dataclass(frozen=True)
class Kind:
    """A kind of job: the function that runs it, and the function that cleans up after a failure."""

    name: str
    run: Callable[[Connection, Lease], Generator[Step, None, dict[str, Any]]]
    """Continue the job from its progress, step by step. Return the result."""
    clean_up: Callable[[dict[str, Any]], None] = lambda progress: None


def create(connection: Connection, kind: str, parameters: dict[str, Any], *, actor: str) -> UUID:
    """Insert a job and return its id. The caller sends its message, otherwise the schedule sends it later."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [job_id] = cursor.execute(
            "insert into jobs (kind, parameters, actor) values (%s, %s, %s) returning job_id",
            (kind, Jsonb(parameters), actor),
        ).fetchall()
    return UUID(str(job_id))


def get(connection: Connection, job_id: UUID) -> Job:
    """Return a job in the form that its client gets. Raises JobUnknown."""
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        job = cursor.execute(
            """
            select jobs.job_id, jobs.kind, jobs.status, jobs.done, jobs.total, jobs.created_at, jobs.finished_at,
                   jobs.actor, jobs.result, jobs.error
              from jobs
             where jobs.job_id = %s::uuid
            """,
            (job_id,),
        ).fetchone()
    if job is None:
        raise JobUnknown(f"There is no job {job_id}.")
    return job


def claim(connection: Connection, job_id: UUID) -> Lease | None:
    """Return a new lease on a job, or None.

    None means that the job is finished, unknown, out of tries, or leased to another worker.
    """
    with connection.cursor(row_factory=class_row(Lease)) as cursor:
        return cursor.execute(
            """
            update jobs
               set status = 'running', lease = gen_random_uuid(), attempts = jobs.attempts + 1,
                   leased_until = now() + make_interval(secs => %s::integer)
             where jobs.job_id = %s::uuid
               and (jobs.status = 'queued'
                    or jobs.status = 'running'
                       and jobs.leased_until not between now() and now() + interval '10 minutes')
               and jobs.attempts < %s::integer
         returning jobs.job_id, jobs.lease, jobs.kind, jobs.parameters, jobs.actor, jobs.progress, jobs.attempts,
                   jobs.cause_id
            """,
            (LEASE_SECONDS, job_id, MAX_ATTEMPTS),
        ).fetchone()


def save(connection: Connection, lease: Lease, step: Step) -> None:
    """Save the progress of the job, and renew the lease. Raises LeaseLost."""
    _require_lease(
        connection.execute(
            """
            update jobs
               set done = %(done)s::bigint, total = %(total)s::bigint, progress = %(progress)s::jsonb,
                   attempts = case when %(advanced)s or %(done)s::bigint > jobs.done then 0 else jobs.attempts end,
                   leased_until = now() + make_interval(secs => %(seconds)s::integer)
             where jobs.job_id = %(job_id)s::uuid and jobs.lease = %(lease)s::uuid
            """,
            {
                "done": step.done,
                "total": step.total,
                "progress": Jsonb(step.progress),
                "advanced": step.advanced,
                "seconds": LEASE_SECONDS,
                "job_id": lease.job_id,
                "lease": lease.lease,
            },
        ).rowcount
    )


def release(connection: Connection, lease: Lease) -> None:
    """Return an unfinished job to the queue for the next worker. Raises LeaseLost."""
    _require_lease(
        connection.execute(
            """
            update jobs
               set status = 'queued', lease = null, leased_until = null, queued_at = now()
             where jobs.job_id = %s::uuid and jobs.lease = %s::uuid
            """,
            (lease.job_id, lease.lease),
        ).rowcount
    )


def succeed(connection: Connection, lease: Lease, result: dict[str, Any]) -> float:
    """End a job with its result. Return the seconds since its creation. Raises LeaseLost."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        seconds = cursor.execute(
            """
            update jobs
               set status = 'succeeded', result = %s::jsonb, lease = null, leased_until = null,
                   finished_at = greatest(now(), jobs.queued_at)
             where jobs.job_id = %s::uuid and jobs.lease = %s::uuid
         returning extract(epoch from jobs.finished_at - jobs.created_at)::float
            """,
            (Jsonb(result), lease.job_id, lease.lease),
        ).fetchall()
    _require_lease(len(seconds))
    return float(seconds[0])


def reject(connection: Connection, lease: Lease, rejected: JobRejected) -> None:
    """Fail a job for good, with its reason and what it did. Its dead letter counts as sent. Raises LeaseLost."""
    _require_lease(
        connection.execute(
            """
            update jobs
               set status = 'failed', error = %s::text, result = %s::jsonb, lease = null, leased_until = null,
                   finished_at = greatest(now(), jobs.queued_at),
                   queued_at = greatest(now(), jobs.queued_at) + interval '1 microsecond'
             where jobs.job_id = %s::uuid and jobs.lease = %s::uuid
            """,
            (rejected.reason, rejected.result and Jsonb(rejected.result), lease.job_id, lease.lease),
        ).rowcount
    )


def retry_or_fail(connection: Connection, lease: Lease, error: str) -> bool:
    """Return an interrupted job to the queue, or fail it with this error after its last try.

    Return whether the job has failed. Raises LeaseLost.
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        status = cursor.execute(
            """
            update jobs
               set status = case when jobs.attempts < %(most)s then 'queued' else 'failed' end,
                   error = case when jobs.attempts < %(most)s then null else %(error)s::text end,
                   finished_at = case when jobs.attempts < %(most)s then null
                                      else greatest(now(), jobs.queued_at) end,
                   lease = null, leased_until = null
             where jobs.job_id = %(job_id)s::uuid and jobs.lease = %(lease)s::uuid
         returning jobs.status
            """,
            {"most": MAX_ATTEMPTS, "error": error, "job_id": lease.job_id, "lease": lease.lease},
        ).fetchone()
    if status is None:
        raise LeaseLost(LeaseLost.__doc__)
    return bool(status == "failed")


def fail_exhausted(connection: Connection, job_id: UUID) -> bool:
    """Fail a job whose last worker vanished without reporting an error. Return whether it did."""
    ended = connection.execute(
        """
        update jobs
           set status = 'failed', error = %s::text, lease = null, leased_until = null,
               finished_at = greatest(now(), jobs.queued_at)
         where jobs.job_id = %s::uuid and jobs.finished_at is null and jobs.attempts >= %s::integer
           and (jobs.leased_until is null or jobs.leased_until not between now() and now() + interval '10 minutes')
        """,
        (f"The job was interrupted {MAX_ATTEMPTS} times without progress.", job_id, MAX_ATTEMPTS),
    )
    return ended.rowcount > 0


def find_failure(connection: Connection, job_id: UUID) -> Failure | None:
    """Return the failure of a job, or None if the job has not failed."""
    with connection.cursor(row_factory=class_row(Failure)) as cursor:
        return cursor.execute(
            """
            select jobs.kind, jobs.progress, jobs.finished_at, jobs.queued_at > jobs.finished_at as is_reported
              from jobs
             where jobs.job_id = %s::uuid and jobs.status = 'failed'
            """,
            (job_id,),
        ).fetchone()


def mark_reported(connection: Connection, job_id: UUID, failed_at: datetime) -> None:
    """Record that the dead letter of this failure has been sent."""
    connection.execute(
        """
        update jobs
           set queued_at = greatest(now(), jobs.finished_at + interval '1 microsecond')
         where jobs.job_id = %s::uuid and jobs.finished_at = %s::timestamptz
        """,
        (job_id, failed_at),
    )


def restart(connection: Connection, job_id: UUID, failed_at: datetime) -> None:
    """Queue a failed job with all its tries, to continue from its progress. It happens once for each failure."""
    connection.execute(
        """
        update jobs
           set status = 'queued', error = null, finished_at = null, attempts = 0, queued_at = now()
         where jobs.job_id = %s::uuid and jobs.status = 'failed' and jobs.finished_at = %s::timestamptz
        """,
        (job_id, failed_at),
    )


def requeue_lost(connection: Connection) -> list[UUID]:
    """Return the jobs whose message or worker seems lost. Each job is returned once in REQUEUE_SECONDS."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(
            """
            update jobs
               set queued_at = now()
             where jobs.finished_at is null
               and jobs.queued_at not between now() - make_interval(secs => %s::integer)
                                          and now() + interval '10 minutes'
               and (jobs.leased_until is null or jobs.leased_until not between now() and now() + interval '10 minutes')
         returning jobs.job_id
            """,
            (REQUEUE_SECONDS,),
        ).fetchall()


def _require_lease(rows: int) -> None:
    if rows == 0:
        raise LeaseLost(LeaseLost.__doc__)
