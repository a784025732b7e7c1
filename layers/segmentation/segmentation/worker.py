"""The worker: what one delivery of a job's message does."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from psycopg import Connection

from segmentation import jobs, queueing
from segmentation.contract.problems import Problem
from segmentation.jobs import Kind, Lease
from segmentation.kinds import KINDS
from segmentation.queueing import Message
from segmentation.runtime import metrics
from segmentation.runtime.log import logger


def receive(connection: Connection, message: Message, *, time_left: Callable[[], bool]) -> None:
    """Deliver a message; one that was a dead letter lets its job begin anew, where that has not happened yet."""
    if message.failed_at:
        jobs.revive(connection, message.job_id, message.failed_at)
    deliver(connection, message.job_id, time_left=time_left)


def deliver(connection: Connection, job_id: UUID, *, time_left: Callable[[], bool]) -> None:
    """Take a job on from where it stands, as far as the time allows; raises what stopped it, for the caller to log.

    A job that is finished, or in the hands of a worker that is alive, is left alone: the message is a duplicate. A job
    that goes on later gets a message of its own, and its last try ends it as failed: what stopped that is logged here.
    """
    lease = jobs.claim(connection, job_id)
    if lease is None:
        if jobs.fail_exhausted(connection, job_id):
            metrics.count("JobsFailed", 1)
        _bury(connection, job_id)
        return
    try:
        _work(connection, lease, KINDS[lease.kind], time_left)
    except jobs.LeaseLost:
        logger.warning("another worker has this job", job_id=str(job_id))
    except Exception as error:
        if not jobs.give_back(connection, lease, _reason(error)):
            raise
        logger.exception("job interrupted", job_id=str(job_id))
        metrics.count("JobsFailed", 1)
        _bury(connection, job_id)


def _work(connection: Connection, lease: Lease, kind: Kind, time_left: Callable[[], bool]) -> None:
    steps = kind.run(connection, lease)
    while True:
        try:
            step = next(steps)
            jobs.save(connection, lease, step)
        except StopIteration as end:
            _succeed(connection, lease, end.value)
            return
        _log("job moved on", lease, done=step.done, total=step.total)
        if not time_left():
            jobs.release(connection, lease)
            queueing.announce(lease.job_id)
            return


def _bury(connection: Connection, job_id: UUID) -> None:
    """Send the dead letter of a job that has failed, and leave no half of its work.

    Where that cannot be done, the message that found the job failed comes back, and it is tried again.
    """
    failure = jobs.find_failure(connection, job_id)
    if failure is None:
        return
    if not failure.is_told:
        queueing.send_dead_letter(job_id, failure.finished_at)
        jobs.mark_told(connection, job_id, failure.finished_at)
    KINDS[failure.kind].abandon(failure.progress)


def _succeed(connection: Connection, lease: Lease, result: dict[str, Any]) -> None:
    seconds = jobs.succeed(connection, lease, result)
    metrics.count("JobsSucceeded", 1)
    metrics.record("JobDuration", seconds)
    _log("job succeeded", lease, seconds=round(seconds, 1))


def _log(message: str, lease: Lease, **members: Any) -> None:
    logger.info(message, job_id=str(lease.job_id), kind=lease.kind, **members)


def _reason(error: Exception) -> str:
    """Tell the client what is meant for clients, and refer to the log for the rest."""
    return error.detail if isinstance(error, Problem) else "The job failed; its job_id names this failure in the log."
