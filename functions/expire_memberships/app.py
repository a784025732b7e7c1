"""No route: every minute, remove the memberships whose lifetime is over, and see to what else time brings."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from psycopg.errors import LockNotAvailable

from segmentation import expiry, idempotency, jobs, queueing, schema
from segmentation.database import connection
from segmentation.telemetry import logger, observed

MARGIN_MS = 3000
"""What a batch, the figures and the answer may take at the end of the time."""


@observed("expire_memberships")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Sweep until nothing is due or the time is nearly over; the next run goes on from there."""
    removed = expiry.sweep(connection(), go_on=lambda: context.get_remaining_time_in_millis() > MARGIN_MS)
    left = expiry.backlog(connection())
    _keep_partitions_ahead()
    idempotency.forget_old(connection())
    for job_id in jobs.requeue_lost(connection()):  # at the end: a queue that is away fails the run
        queueing.send(job_id)
    return {"removed": removed, "remaining": left.memberships, "oldest_age_seconds": left.oldest_age_seconds}


def _keep_partitions_ahead() -> None:
    """Leave it to a later run where a long reader, such as a backup, is in the way: there is a year of time."""
    try:
        schema.keep_partitions_ahead(connection())
    except LockNotAvailable:
        logger.warning("a month of the history could not be made yet: its lock is taken")
