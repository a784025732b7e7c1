"""The counting of sizes by day: the schedule counts what was committed since its last run, and then earlier history.

Each step is one transaction, which adds a range of the history to the sizes and moves the counted time by it. So a run
can end at any moment, and the next one continues. The counted time follows the watermark, so no operation before it is
missing. A later row never gets an earlier date, except that of an exit that is already counted as due.
"""

from collections.abc import Callable
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import scalar_row

from segmentation.database import watermark
from segmentation.runtime import metrics
from segmentation.runtime.log import logger

STEP_ROWS = 100_000
"""Rows that a step counts, which keeps it far below the statement timeout. All rows of one instant are one step."""

MOST_SECONDS = 2
"""How long a run waits for writers. If a transaction lasts longer, the next run counts."""


def count(connection: Connection, *, go_on: Callable[[], bool]) -> None:
    """Count operations until none is left or time is up, but at least one step. Report the lag of the counted time."""
    until = watermark.find_settled_instant(connection, most_seconds=MOST_SECONDS)
    if until is None:
        logger.warning("a transaction lasts too long to wait for: sizes are counted later")
    elif _run(connection, "select open_sizes(%s::timestamptz, %s::integer)", (until, STEP_ROWS), go_on):
        pass  # time is up
    elif not _run(connection, "select count_sizes(%s::timestamptz, %s::integer)", (until, STEP_ROWS), go_on):
        _run(connection, "select count_earlier_sizes(%s::integer)", (STEP_ROWS,), go_on)
    metrics.record("SizesLag", _lag(connection))


def _run(
    connection: Connection, step: LiteralString, parameters: tuple[datetime | int, ...], go_on: Callable[[], bool]
) -> bool:
    """Repeat a step until it has nothing left or time is up. Return whether something is left."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        while has_more := bool(cursor.execute(step, parameters).fetchall()[0]):
            if not go_on():
                break
    return has_more


def _lag(connection: Connection) -> float:
    """Return the seconds since the counted time, 0 before the first count."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [seconds] = cursor.execute(
            """
            select greatest(coalesce(
                   extract(epoch from clock_timestamp() - (select size_progress.counted_until from size_progress)),
                   0), 0)::float
            """
        ).fetchall()
    return float(seconds)
