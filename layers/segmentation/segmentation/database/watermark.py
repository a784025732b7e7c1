"""Writers: transactions that have dated what they write, and have yet to commit it."""

from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from segmentation.runtime.log import logger

MOST_SECONDS = 30
"""Longer than any of the service's writers lasts; others on the server may last for hours, and are not waited for."""

PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class _Moment:
    """An instant, and the number of a transaction that is younger than all who have dated anything before it."""

    instant: datetime
    number: str


def settled_instant(connection: Connection, latest: datetime) -> datetime:
    """Return that instant, or now by the clock that dates the history, when all before it can be read.

    A writer has its number before it dates what it writes. One who is to be waited for has therefore a lower number
    than this session draws now; the last that is known to be taken would not do, as that may be the writer's own.
    """
    moment = _draw(connection, latest)
    deadline = monotonic() + MOST_SECONDS
    while not _have_ended(connection, moment.number):
        if monotonic() > deadline:
            logger.warning("a transaction lasts too long to wait for: what it writes may be missing from a report")
            break
        sleep(PAUSE_SECONDS)
    return moment.instant


def _draw(connection: Connection, latest: datetime) -> _Moment:
    with connection.cursor(row_factory=class_row(_Moment)) as cursor:
        [moment] = cursor.execute(
            "select least(%s::timestamptz, statement_timestamp()) as instant, pg_current_xact_id()::text as number",
            (latest,),
            prepare=False,
        ).fetchall()
    return moment


def _have_ended(connection: Connection, number: str) -> bool:
    """Return whether all transactions up to that number are over; those that only read have none."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [ended] = cursor.execute(
            "select pg_snapshot_xmin(pg_current_snapshot()) > %s::text::xid8", (number,)
        ).fetchall()
    return bool(ended)
