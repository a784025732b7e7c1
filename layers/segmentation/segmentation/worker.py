"""The worker: what one delivery of a job's message does."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from psycopg import Connection

from segmentation import jobs, metrics, queueing
from segmentation.jobs import Kind, Lease
from segmentation.kinds import KINDS
from segmentation.problems import Problem
from segmentation.telemetry import logger


def deliver(connection: Connection, job_id: UUID, *, time_left: Callable[[], bool]) -> None:
    """Take a job on from where it stands, as far as the time allows; raises what stopped it.

    A job that is finished, or in the hands of a worker that is alive, is left alone: the message is a duplicate. A job
    that goes on later gets a message of its own, and its last try ends it as failed.
    """
    lease = jobs.claim(connection, job_id)
    if lease is None:
        _end_exhausted(connection, job_id)
        return
    kind = KINDS[lease.kind]
    try:
        _work(connection, lease, kind, time_left)
    except jobs.LeaseLost:
        logger.warning("another worker has this job", job_id=str(job_id))
    except Exception as error:
        logger.exception("job interrupted", job_id=str(job_id))
        progress = jobs.give_back(connection, lease, _reason(error))
        if progress is not None:
            _fail(kind, progress)
        raise


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
            queueing.send(lease.job_id)
            return


def _end_exhausted(connection: Connection, job_id: UUID) -> None:
    """End a job whose workers were killed too often to say anything themselves."""
    exhausted = jobs.fail_exhausted(connection, job_id)
    if exhausted is not None:
        _fail(KINDS[exhausted.kind], exhausted.progress)


def _succeed(connection: Connection, lease: Lease, result: dict[str, Any]) -> None:
    seconds = jobs.succeed(connection, lease, result)
    metrics.count("JobsSucceeded", 1)
    metrics.record("JobDuration", seconds)
    _log("job succeeded", lease, seconds=round(seconds, 1))


def _fail(kind: Kind, progress: dict[str, Any]) -> None:
    """Report a job that has failed for good, and leave no half of it."""
    metrics.count("JobsFailed", 1)
    kind.abandon(progress)


def _log(message: str, lease: Lease, **members: Any) -> None:
    logger.info(message, job_id=str(lease.job_id), kind=lease.kind, **members)


def _reason(error: Exception) -> str:
    """Tell the client what is meant for clients, and refer to the log for the rest."""
    return error.detail if isinstance(error, Problem) else "The job failed; its job_id names this failure in the log."


def job_id_of(message: dict[str, Any]) -> UUID:
    """Return the id in a message; raises ValueError or KeyError for what is no message of ours."""
    return UUID(message["job_id"])
