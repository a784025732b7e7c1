"""No route: every minute, remove the memberships whose lifetime is over, and see to what else time brings."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from psycopg.errors import LockNotAvailable

from segmentation.api import idempotency
from segmentation.database import migrate, stuck_locks
from segmentation.database.connection import get_connection
from segmentation.domain import expiry
from segmentation.jobs import leases, queue
from segmentation.runtime.log import logger, observed

MARGIN_MS = 3000
"""What a batch, the figures and the answer may take at the end of the time."""


@observed("expire_memberships")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Sweep until nothing is due or the time is nearly over; the next run goes on from there."""
    figures: dict[str, Any] = {}
    _do_each(
        lambda: figures.update(_sweep(context)),
        lambda: figures.update(_backlog()),
        lambda: stuck_locks.open_where_left_shut(get_connection()),
        _keep_partitions_ahead,
        lambda: idempotency.delete_old(get_connection()),
        _send_lost_jobs,
    )
    return figures


def _do_each(*steps: Callable[[], None]) -> None:
    """Do each step, whatever became of those before it; one that fails in every run would else be the last of each.

    Raises the first error: the run counts as failed.
    """
    failures: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as error:
            logger.exception("a part of the run failed")
            failures.append(error)
    if failures:
        raise failures[0]


def _sweep(context: LambdaContext) -> dict[str, Any]:
    return {"removed": expiry.sweep(get_connection(), go_on=lambda: context.get_remaining_time_in_millis() > MARGIN_MS)}


def _backlog() -> dict[str, Any]:
    left = expiry.backlog(get_connection())
    return {"remaining": left.memberships, "oldest_age_seconds": left.oldest_age_seconds}


def _send_lost_jobs() -> None:
    for job_id in leases.requeue_lost(get_connection()):
        queue.send(job_id)


def _keep_partitions_ahead() -> None:
    """Leave it to a later run where a long reader, such as a backup, is in the way: there is a year of time."""
    try:
        migrate.keep_partitions_ahead(get_connection())
    except LockNotAvailable:
        logger.warning("a month of the history could not be made yet: its lock is taken")
