"""Expiry: memberships whose lifetime is over leave, each exit dated at its due time."""

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
"""Rows a transaction: about a tenth of a second, so that nobody waits long behind one."""

MOST_STUCK = 100
"""Memberships that a run sets aside because they cannot be removed; of more, no single one is to blame."""

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Backlog:
    """What is due and not yet swept."""

    memberships: int
    oldest_age_seconds: float


@dataclass(frozen=True)
class _Batch:
    removed: int
    last_due: datetime | None


@dataclass(frozen=True)
class _Stuck:
    place: str
    user_id: int
    segment_id: int


def sweep(connection: Connection, *, go_on: Callable[[], bool]) -> int:
    """Remove due memberships, batch by batch, until none is left or there is no time to go on.

    Each batch is a transaction; what another session holds is left to the next run, and what two runs both see
    only one removes. A membership that cannot be removed delays no other: batches shrink until they are at it, it is
    set aside and named in the log, and the next run tries again. Returns how many were removed.
    """
    removed, since, most = 0, _BEGINNING, BATCH
    stuck: list[str] = []
    while go_on():
        try:
            batch = _sweep_batch(connection, since, most, stuck)
        except psycopg.Error as error:
            _raise_what_is_not_about_a_row(error, stuck)
            if most == 1:
                stuck += _set_aside(connection, since, stuck, error)
            most = max(1, most // 2)
            continue
        removed += batch.removed
        if batch.last_due is None:
            break
        since, most = batch.last_due, min(BATCH, most * 2)
    metrics.record("MembershipsExpired", removed)
    return removed


def end_what_is_due(connection: Connection, segment_id: int) -> None:
    """Remove the due memberships of a segment that the caller's transaction has locked, before its slug changes.

    Their exits came before that, and carry the slug of their time.
    """
    removed = connection.execute(
        """
        delete from memberships
         where memberships.segment_id = %s::integer
           -- not now(): the transaction may have waited for the segment
           and memberships.expires_at <= statement_timestamp()
        """,
        (segment_id,),
        prepare=False,  # planned for this moment, by which few are due
    )
    metrics.record("MembershipsExpired", removed.rowcount)


def _raise_what_is_not_about_a_row(error: psycopg.Error, stuck: list[str]) -> None:
    """Let the next run do what time helps against, but too much for one statement."""
    is_temporary = database_errors.problem_of(error) is not None and not isinstance(error, errors.QueryCanceled)
    if is_temporary or len(stuck) >= MOST_STUCK:
        raise error


def _set_aside(connection: Connection, since: datetime, stuck: list[str], error: psycopg.Error) -> list[str]:
    """Name the row that a batch of one stopped at, if it is still there, and return its place."""
    with connection.cursor(row_factory=class_row(_Stuck)) as cursor:
        rows = cursor.execute(
            """
            select memberships.ctid::text as place, memberships.user_id, memberships.segment_id
              from memberships
             where memberships.expires_at >= %s::timestamptz and memberships.expires_at <= now()
               and memberships.ctid <> all (%s::tid[])
             order by memberships.expires_at
             limit 1
               for update skip locked
            """,
            (since, stuck),
        ).fetchall()
    for row in rows:
        logger.error(
            "membership cannot be removed",
            user_id=row.user_id,
            segment_id=row.segment_id,
            error=type(error).__name__,
            sqlstate=error.sqlstate,
        )
    return [row.place for row in rows]


def backlog(connection: Connection) -> Backlog:
    """Return how many memberships are due, and for how many seconds the oldest of them has been."""
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


def _sweep_batch(connection: Connection, since: datetime, most: int, stuck: list[str]) -> _Batch:
    """Remove the oldest due rows; begin where the last batch ended, not among the index entries it left dead."""
    with connection.cursor(row_factory=class_row(_Batch)) as cursor:
        [batch] = cursor.execute(
            """
            with due as materialized (
                select memberships.ctid as place
                  from memberships
                 where memberships.expires_at >= %s::timestamptz and memberships.expires_at <= now()
                   and memberships.ctid <> all (%s::tid[])
                 order by memberships.expires_at
                 limit %s::integer
                   for update skip locked),
            gone as (
                -- by an array of places: a join would read the whole table for every batch
                delete from memberships
                 where memberships.ctid = any (array(select due.place from due))
             returning memberships.expires_at)
            select count(*)::integer as removed, max(gone.expires_at) as last_due
              from gone
            """,
            (since, stuck, most),
        ).fetchall()
    return batch
