"""Due steps: change the percent of each segment whose step is due. The schedule runs this every minute.

Of several due steps of a segment, only the newest is applied. A step, its status and its row of the change log are one
transaction, which locks the segment first. Two runs at once therefore apply each step once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

import psycopg
from psycopg import Connection, errors
from psycopg.rows import class_row

from segmentation.database import errors as database_errors
from segmentation.database import transactions
from segmentation.domain import segments
from segmentation.domain.rollouts import percent
from segmentation.domain.rollouts.percent import Outcome
from segmentation.jobs import queue
from segmentation.runtime import metrics
from segmentation.runtime.log import logger


@dataclass(frozen=True)
class _Step:
    """The newest due step of a segment."""

    step_id: int
    segment_id: int
    user_percent: Decimal
    actor: str
    cause_id: int | None


class _NotNow(Exception):
    """The step waits for the job of an earlier percent, or another session has ended it."""


def run(connection: Connection, *, go_on: Callable[[], bool]) -> None:
    """Apply the newest due step of each segment until time is up. The next run continues.

    A step that fails gets the status failed, and delays no other. Without the database, all steps stay pending.
    """
    for step in _list_due(connection):
        if not go_on():
            break
        _try(connection, step)


def _list_due(connection: Connection) -> list[_Step]:
    """Return the newest due step of each segment, the one that waits longest first."""
    with connection.cursor(row_factory=class_row(_Step)) as cursor:
        return cursor.execute(
            """
            select newest.step_id, newest.segment_id, newest.user_percent, newest.actor, newest.cause_id
              from (select distinct on (due.segment_id) due.*
                      from segment_steps due
                     where due.status = 'pending' and due.due_at <= (select clock_now())
                     order by due.segment_id, due.due_at desc) newest
             order by newest.due_at, newest.step_id
            """
        ).fetchall()


def _try(connection: Connection, step: _Step) -> None:
    """Apply a step. Leave it pending if its segment is locked or the step has to wait."""
    try:
        outcome = transactions.retry_aborted(lambda: _apply(connection, step))
    except _NotNow:
        return
    except errors.LockNotAvailable:
        logger.warning("the segment of a step is locked", step_id=step.step_id, segment_id=step.segment_id)
    except Exception as error:
        _fail(connection, step, error)
    else:
        metrics.count("StepsApplied", 1)
        percent.count_metrics(outcome)
        if outcome.job_id is not None:
            queue.request_worker(outcome.job_id)


def _apply(connection: Connection, step: _Step) -> Outcome:
    """Apply a step in one transaction. Raises _NotNow."""
    with _holding(connection, step):
        before_a_job = _has_job(connection, step.segment_id)
        [(applied_at,)] = connection.execute("select apply_step(%s::bigint)", (step.step_id,)).fetchall()
        if applied_at is None:
            raise _NotNow
        connection.execute(
            "update segments set user_percent = %s::numeric where segments.segment_id = %s::integer",
            (step.user_percent, step.segment_id),
        )
        outcome = segments.set_percent(connection, step.segment_id, step.user_percent, actor=step.actor)
        if outcome.job_id is not None:
            if before_a_job:
                raise _NotNow
            connection.execute(
                "update segment_steps set job_id = %s::uuid where segment_steps.step_id = %s::bigint",
                (outcome.job_id, step.step_id),
            )
    return outcome


@contextmanager
def _holding(connection: Connection, step: _Step) -> Iterator[None]:
    """Run a block as a transaction of the step's planner, which has locked the segment."""
    with transactions.transaction_of_job(connection, actor=step.actor, cause_id=step.cause_id, reason="percent"):
        connection.execute("select hold_segment(%s::integer)", (step.segment_id,))
        yield


def _has_job(connection: Connection, segment_id: int) -> bool:
    """Return whether a job still brings the segment to an earlier percent."""
    return bool(
        connection.execute(
            """
            select
              from rollouts
              join jobs on jobs.job_id = rollouts.job_id
             where rollouts.segment_id = %s::integer and jobs.finished_at is null
            """,
            (segment_id,),
        ).rowcount
    )


def _fail(connection: Connection, step: _Step, error: Exception) -> None:
    """Mark a step as failed, and log its error. Raise an error that a later run can avoid."""
    if isinstance(error, psycopg.Error) and _is_temporary(error):
        raise error
    with _holding(connection, step):
        [(was_pending,)] = connection.execute("select fail_step(%s::bigint)", (step.step_id,)).fetchall()
    if was_pending:
        metrics.count("StepsFailed", 1)
        logger.error("a step has failed", step_id=step.step_id, segment_id=step.segment_id, exc_info=error)


def _is_temporary(error: psycopg.Error) -> bool:
    """Return whether a later run can avoid an error. A statement timeout is no such error: each run would have it."""
    return database_errors.problem_of(error) is not None and not isinstance(error, errors.QueryCanceled)
