"""The watermark: the instant before which every history row is committed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, sleep

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from segmentation.contract.problems import InstantUnsettled
from segmentation.database import readers
from segmentation.runtime.log import logger

MAX_WAIT_SECONDS = 30
"""Longer than any writer of the service. Other transactions on the server may last for hours: do not wait for them."""

PAUSE_SECONDS = 0.1

END_OF_TIME = datetime.max.replace(tzinfo=UTC)

REQUEST_SECONDS = 5
"""How long a request waits for writers. A client can repeat it."""


@dataclass(frozen=True)
class _Watermark:
    """An instant, and a transaction id above the ids of all writers that dated a row before the instant."""

    instant: datetime
    xid: str


def settled_instant(connection: Connection, latest: datetime) -> datetime:
    """Wait until all rows dated before an instant are committed. Return the instant: latest, or now if that is earlier.

    Now is a new instant of the database's clock: later rows get later instants, even if the clock steps back. A writer
    gets its transaction id before it dates its rows. So every writer to wait for has a lower id than the new one that
    this session takes. The highest id already in use would not do, because it may be the writer's own.
    """
    watermark = _take(connection, latest)
    _wait(connection, watermark.xid)
    return watermark.instant


def find_settled_instant(connection: Connection, *, most_seconds: float) -> datetime | None:
    """Return an instant before which all rows are committed, or None if a writer does not end within this time."""
    watermark = _take(connection, END_OF_TIME)
    return watermark.instant if _end_in_time(connection, watermark.xid, most_seconds) else None


def wait_for_writers(connection: Connection) -> None:
    """Wait until all transactions that have written something by now have ended."""
    _wait(connection, _take(connection, END_OF_TIME).xid)


def settle(connection: Connection, instant: datetime) -> None:
    """Wait until all rows dated at or before a past instant are committed, and date all later rows after it.

    Raises InstantUnsettled if a writer takes longer than a request can wait.
    """
    watermark = _take(connection, instant, not_before=instant)
    if not _end_in_time(connection, watermark.xid, REQUEST_SECONDS):
        raise InstantUnsettled()


def _wait(connection: Connection, xid: str) -> None:
    if not _end_in_time(connection, xid, MAX_WAIT_SECONDS):
        logger.warning("a transaction lasts too long to wait for: its rows may be missing from a report")


def _end_in_time(connection: Connection, xid: str, most_seconds: float) -> bool:
    """Wait until all transactions up to an id have ended. Return whether they have."""
    deadline = monotonic() + most_seconds
    while not (ended := _have_ended(connection, xid)) and monotonic() <= deadline:
        sleep(PAUSE_SECONDS)
    return ended


def _take(connection: Connection, latest: datetime, *, not_before: datetime | None = None) -> _Watermark:
    readers.require_writer(connection)
    with connection.cursor(row_factory=class_row(_Watermark)) as cursor:
        [watermark] = cursor.execute(
            "select least(%s::timestamptz, next_moment(%s::timestamptz)) as instant, pg_current_xact_id()::text as xid",
            (latest, not_before),
            prepare=False,
        ).fetchall()
    return watermark


def _have_ended(connection: Connection, xid: str) -> bool:
    """Return whether all transactions up to this id have ended. A transaction that only reads has no id."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [ended] = cursor.execute("select pg_snapshot_xmin(pg_current_snapshot()) > %s::text::xid8", (xid,)).fetchall()
    return bool(ended)
