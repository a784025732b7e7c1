"""Expiry: remove the memberships whose lifetime is over. Each exit has the time at which the lifetime ended."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg import Connection, errors
from psycopg.rows import class_row

from segmentation.database import errors as database_errors
from segmentation.runtime import metrics
from segmentation.runtime.log import logger

BATCH = 10_000
"""Rows per transaction. A small number keeps the locks short."""

MOST_SKIPPED = 100
"""The most memberships that a run skips because their removal fails. More failures mean a common cause."""

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Backlog:
    """The due memberships that are not swept yet."""

    memberships: int
    oldest_age_seconds: float


@dataclass(frozen=True)
class _Batch:
    removed: int
    last_due: datetime | None


@dataclass(frozen=True)
class _FailedRow:
    row_id: str
    user_id: int
    segment_id: int


def sweep(connection: Connection, *, go_on: Callable[[], bool]) -> int:
    """Remove due memberships, one transaction per batch, until none is left or time is up. Return their number.

    A row that another session locks stays for the next run, and two runs never remove the same row. A failed removal
    delays no other: batches shrink until they hold only that row. The run then logs and skips it, and the next run
    tries it again.
    """
    removed, since, most = 0, _BEGINNING, BATCH
    skipped: list[str] = []
    while go_on():
        try:
            batch = _sweep_batch(connection, since, most, skipped)
        except psycopg.Error as error:
            _raise_unless_about_a_row(error, skipped)
            if most == 1:
                skipped += _skip_row(connection, since, skipped, error)
            most = max(1, most // 2)
            continue
        removed += batch.removed
        if batch.last_due is None:
            break
        since, most = batch.last_due, min(BATCH, most * 2)
    metrics.record("MembershipsExpired", removed)
    return removed


def end_expired(connection: Connection, segment_id: int) -> None:
    """Remove the due memberships of a segment before its slug changes, so that their exits carry the old slug.

    The caller's transaction has locked the segment.
    """
    removed = connection.execute(
        """
        delete from memberships
         where memberships.segment_id = %s::integer
           -- not now(), because the transaction may have waited for the lock of the segment
           and memberships.expires_at <= statement_timestamp()
        """,
        (segment_id,),
        prepare=False,  # a plan for this instant expects that few memberships are due
    )
    metrics.record("MembershipsExpired", removed.rowcount)


def _raise_unless_about_a_row(error: psycopg.Error, skipped: list[str]) -> None:
    """Raise an error that a later run can avoid, and any error after too many skipped rows.

    A statement timeout is no such error, because a smaller batch helps against it.
    """
    is_temporary = database_errors.problem_of(error) is not None and not isinstance(error, errors.QueryCanceled)
    if is_temporary or len(skipped) >= MOST_SKIPPED:
        raise error


def _skip_row(connection: Connection, since: datetime, skipped: list[str], error: psycopg.Error) -> list[str]:
    """Log the row at which a batch of one failed, and return its ctid. Return nothing if the row no longer exists."""
    with connection.cursor(row_factory=class_row(_FailedRow)) as cursor:
        rows = cursor.execute(
            """
            select memberships.ctid::text as row_id, memberships.user_id, memberships.segment_id
              from memberships
             where memberships.expires_at >= %s::timestamptz and memberships.expires_at <= now()
               and memberships.ctid <> all (%s::tid[])
             order by memberships.expires_at
             limit 1
               for update skip locked
            """,
            (since, skipped),
        ).fetchall()
    for row in rows:
        logger.error(
            "membership cannot be removed",
            user_id=row.user_id,
            segment_id=row.segment_id,
            error=type(error).__name__,
            sqlstate=error.sqlstate,
        )
    return [row.row_id for row in rows]


def backlog(connection: Connection) -> Backlog:
    """Return how many memberships are due, and the seconds since the oldest of them became due."""
    with connection.cursor(row_factory=class_row(Backlog)) as cursor:
        [found] = cursor.execute(
            """
            select count(*) as memberships,
                   coalesce(extract(epoch from now() - min(memberships.expires_at)), 0)::float as oldest_age_seconds
              from memberships
             where memberships.expires_at <= now()
            """
        ).fetchall()
    metrics.record("MembershipsDue", found.memberships)
    metrics.record("ExpiryLag", found.oldest_age_seconds)
    return found


def _sweep_batch(connection: Connection, since: datetime, most: int, skipped: list[str]) -> _Batch:
    """Remove the oldest due rows. Start where the last batch ended, which avoids the dead index entries before it."""
    with connection.cursor(row_factory=class_row(_Batch)) as cursor:
        [batch] = cursor.execute(
            """
            with due as materialized (
                select memberships.ctid as row_id
                  from memberships
                 where memberships.expires_at >= %s::timestamptz and memberships.expires_at <= now()
                   and memberships.ctid <> all (%s::tid[])
                 order by memberships.expires_at
                 limit %s::integer
                   for update skip locked),
            deleted as (
                -- by an array of ctids: a join would read the whole table for every batch
                delete from memberships
                 where memberships.ctid = any (array(select due.row_id from due))
             returning memberships.expires_at)
            select count(*)::integer as removed, max(deleted.expires_at) as last_due
              from deleted
            """,
            (since, skipped, most),
        ).fetchall()
    return batch
