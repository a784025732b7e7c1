"""No route: every minute, remove expired memberships and do the other periodic work."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from psycopg.errors import LockNotAvailable

from segmentation.api import idempotency
from segmentation.database import migrate, stuck_locks
from segmentation.database.connection import get_connection
from segmentation.domain import due_steps, expiry, feed, publisher, size_counting
from segmentation.domain.rollouts import arrivals
from segmentation.jobs import list_of_jobs, queue
from segmentation.reports.imports import orders
from segmentation.runtime import settings
from segmentation.runtime.log import logger, observed
from segmentation.runtime.steps import run_each

MARGIN_MS = 3000
"""Time that the last batch, the metrics and the answer may take."""

PUBLISHING_MS = 20_000
"""Time that a sweep and the counting of sizes leave for the events, where they are published."""


AFTER_STEPS_MS = 40_000
"""Time that the steps of schedules leave for everything else."""


@observed("expire_memberships")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Apply the due steps. Sweep until no membership is due or little time is left. The next run continues."""
    answer: dict[str, Any] = {}
    run_each(
        lambda: due_steps.run(get_connection(), go_on=_time_left(context, AFTER_STEPS_MS)),
        lambda: answer.update(_sweep(context)),
        lambda: answer.update(_backlog()),
        lambda: size_counting.count(get_connection(), go_on=_time_before_publishing(context)),
        lambda: stuck_locks.end_idle_lock_holders(get_connection()),
        _keep_partitions_ahead,
        lambda: idempotency.delete_old(get_connection()),
        lambda: queue.resend_lost(get_connection()),
        lambda: list_of_jobs.delete_old(get_connection()),
        lambda: arrivals.repair(get_connection()),
        lambda: orders.clean_up(get_connection()),
        lambda: feed.store_settled(get_connection()),
        lambda: publisher.publish(get_connection(), go_on=_time_left(context)),
        lambda: publisher.record_lag(get_connection()),
    )
    return answer


def _time_left(context: LambdaContext, margin_ms: int = MARGIN_MS) -> Callable[[], bool]:
    return lambda: context.get_remaining_time_in_millis() > margin_ms


def _time_before_publishing(context: LambdaContext) -> Callable[[], bool]:
    return _time_left(context, MARGIN_MS + (PUBLISHING_MS if settings.event_bus_name() else 0))


def _sweep(context: LambdaContext) -> dict[str, Any]:
    return {"removed": expiry.sweep(get_connection(), go_on=_time_before_publishing(context))}


def _backlog() -> dict[str, Any]:
    left = expiry.backlog(get_connection())
    return {"remaining": left.memberships, "oldest_age_seconds": left.oldest_age_seconds}


def _keep_partitions_ahead() -> None:
    """Create the coming partitions. If a long reader (a backup) holds the lock, a later run does: a year is left."""
    try:
        migrate.keep_partitions_ahead(get_connection())
    except LockNotAvailable:
        logger.warning("a partition of the history could not be created: its lock is taken")
