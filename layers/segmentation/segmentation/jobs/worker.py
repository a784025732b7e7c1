"""The worker: it runs the job of one delivered message."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from psycopg import Connection

from segmentation.contract.problems import Problem
from segmentation.jobs import leases, queue
from segmentation.jobs.leases import Kind, Lease
from segmentation.jobs.queue import Message
from segmentation.runtime import metrics
from segmentation.runtime.log import logger

Kinds = Mapping[str, Kind]
"""The kinds of jobs that a worker can run, by name."""


def receive(connection: Connection, message: Message, *, kinds: Kinds, time_left: Callable[[], bool]) -> None:
    """Deliver a message. A redriven dead letter first restarts its job, once for each failure."""
    if message.failed_at:
        leases.restart(connection, message.job_id, message.failed_at)
    deliver(connection, message.job_id, kinds=kinds, time_left=time_left)


def deliver(connection: Connection, job_id: UUID, *, kinds: Kinds, time_left: Callable[[], bool]) -> None:
    """Continue a job from its saved progress while there is time. Raises the error that interrupted it.

    A duplicate message changes nothing: its job is finished, or another worker holds the lease. A job that needs more
    time gets a new message. The error of a job's last try is logged here, and the job becomes failed.
    """
    lease = leases.claim(connection, job_id)
    if lease is None:
        if leases.fail_exhausted(connection, job_id):
            metrics.count("JobsFailed", 1)
        _send_dead_letter(connection, job_id, kinds)
        return
    try:
        _work(connection, lease, kinds[lease.kind], time_left)
    except leases.LeaseLost:
        logger.warning("another worker has this job", job_id=str(job_id))
    except leases.JobRejected as rejected:
        leases.reject(connection, lease, rejected)
        _log("job rejected", lease, reason=rejected.reason)
        _send_dead_letter(connection, job_id, kinds)
    except Exception as error:
        if not leases.retry_or_fail(connection, lease, _reason(error)):
            raise
        logger.exception("job interrupted", job_id=str(job_id))
        metrics.count("JobsFailed", 1)
        _send_dead_letter(connection, job_id, kinds)


def _work(connection: Connection, lease: Lease, kind: Kind, time_left: Callable[[], bool]) -> None:
    steps = kind.run(connection, lease)
    while True:
        try:
            step = next(steps)
            leases.save(connection, lease, step)
        except StopIteration as end:
            _succeed(connection, lease, end.value)
            return
        _log("job progressed", lease, done=step.done, total=step.total)
        if not time_left():
            leases.release(connection, lease)
            queue.request_worker(lease.job_id)
            return


def _send_dead_letter(connection: Connection, job_id: UUID, kinds: Kinds) -> None:
    """Send the dead letter of a failed job, and clean up what the job left unfinished.

    If that fails, the queue delivers the message again, and the next delivery repeats it.
    """
    failure = leases.find_failure(connection, job_id)
    if failure is None:
        return
    if not failure.is_reported:
        queue.send_dead_letter(job_id, failure.finished_at)
        leases.mark_reported(connection, job_id, failure.finished_at)
    kinds[failure.kind].clean_up(failure.progress)


def _succeed(connection: Connection, lease: Lease, result: dict[str, Any]) -> None:
    seconds = leases.succeed(connection, lease, result)
    metrics.count("JobsSucceeded", 1)
    metrics.record("JobDuration", seconds)
    _log("job succeeded", lease, seconds=round(seconds, 1))


def _log(message: str, lease: Lease, **members: Any) -> None:
    logger.info(message, job_id=str(lease.job_id), kind=lease.kind, **members)


def _reason(error: Exception) -> str:
    """Return the error for the client: the detail of a problem, otherwise a reference to the log."""
    return error.detail if isinstance(error, Problem) else "The job failed. The log has the cause under its job_id."
