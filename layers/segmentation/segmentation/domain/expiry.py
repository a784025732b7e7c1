"""Expiry: remove the memberships whose lifetime is over. Each exit has the time at which the lifetime ended."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg import Connection, errors, sql
from psycopg.rows import class_row

from segmentation.database import clock
from segmentation.database import errors as database_errors
from segmentation.database.index_order import index_order
from segmentation.runtime import metrics
from segmentation.runtime.log import logger

BATCH = 10_000
"""Rows per transaction. A small number keeps the locks short."""

MOST_SKIPPED = 100
"""The most memberships that a run skips because their removal fails. More failures mean a common cause."""


@dataclass(frozen=True)
class Backlog:
    """The due memberships that are not swept yet."""

    memberships: int
    oldest_age_seconds: float


@dataclass(frozen=True)
class _Batch:
    """The numbers of due and of removed memberships, and the key of the last due one."""

    due: int
    removed: int
    expires_at: datetime
    user_id: int
    segment_id: int


@dataclass(frozen=True)
class _Membership:
    """A membership, by the key that orders the due ones."""

    expires_at: datetime
    user_id: int
    segment_id: int


_BEGINNING = _Membership(datetime(1, 1, 1, tzinfo=UTC), 0, 0)

_DUE = sql.SQL("""
select memberships.ctid as row_id, memberships.expires_at, memberships.user_id, memberships.segment_id
  from memberships
 where memberships.expires_at <= %(until)s::timestamptz
   and (memberships.expires_at, memberships.user_id, memberships.segment_id)
       > (%(expires_at)s::timestamptz, %(user_id)s::bigint, %(segment_id)s::integer)
 order by memberships.expires_at, memberships.user_id, memberships.segment_id
 limit %(most)s::integer
   for update skip locked
""")

# Segments that a session is deleting are left out: see keep_out. The deletion is by an array of ctids, because a join
# would read the whole table for every batch. The arrays have the order of the due memberships, so their last elements
# are the key of the last one.
_REMOVAL = sql.SQL("""
with due as materialized ({}),
sweepable as materialized (
    select named.segment_id
      from (select distinct due.segment_id from due) named
     where is_sweepable(named.segment_id)),
deleted as (
    delete from memberships
     where memberships.ctid = any (array(
           select due.row_id from due join sweepable on sweepable.segment_id = due.segment_id))
 returning 1)
select count(*)::integer as due, (select count(*) from deleted)::integer as removed, max(due.expires_at) as expires_at,
       (array_agg(due.user_id))[count(*)] as user_id, (array_agg(due.segment_id))[count(*)] as segment_id
  from due
""").format(_DUE)

_FIRST_DUE = sql.SQL("select due.expires_at, due.user_id, due.segment_id from ({}) due").format(_DUE)


def sweep(connection: Connection, *, go_on: Callable[[], bool]) -> int:
    """Remove due memberships, one transaction per batch, until none is left or time is up. Return their number.

    A row that another session locks stays for the next run, and two runs never remove the same row. A failed removal
    delays no other: batches shrink until they hold only that row. The run then logs and skips it, and the next run
    tries it again.
    """
    removed, skipped, last, most = 0, 0, _BEGINNING, BATCH
    while go_on():
        until = clock.next_moment(connection)
        try:
            batch = _sweep_batch(connection, last, until, most)
        except psycopg.Error as error:
            _raise_unless_about_a_row(error, skipped)
            if most == 1:
                last, skipped = _skip(connection, last, until, error), skipped + 1
            most = max(1, most // 2)
            continue
        if not batch.due:
            break
        removed += batch.removed
        last, most = _Membership(batch.expires_at, batch.user_id, batch.segment_id), min(BATCH, most * 2)
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
           and memberships.expires_at <= %s::timestamptz
        """,
        (segment_id, clock.next_moment(connection)),
        prepare=False,  # a plan for this instant expects that few memberships are due
    )
    metrics.record("MembershipsExpired", removed.rowcount)


def keep_out(connection: Connection, segment_id: int) -> None:
    """Keep sweeps out of a segment until the transaction ends, which is about to delete it.

    A sweep does not see the time of the deletion before the commit, and would date exits after it. A sweep that finds
    this lock free has fixed its own time before, which is then earlier than that of the deletion.
    """
    connection.execute("select pg_advisory_xact_lock(8, %s::integer)", (segment_id,))


def _raise_unless_about_a_row(error: psycopg.Error, skipped: int) -> None:
    """Raise an error that a later run can avoid, and any error after too many skipped rows.

    A statement timeout is no such error, because a smaller batch helps against it.
    """
    is_temporary = database_errors.problem_of(error) is not None and not isinstance(error, errors.QueryCanceled)
    if is_temporary or skipped >= MOST_SKIPPED:
        raise error


def _skip(connection: Connection, last: _Membership, until: datetime, error: psycopg.Error) -> _Membership:
    """Log the membership at which a batch of one failed, and return it. Return the last one if it no longer exists."""
    with index_order(connection), connection.cursor(row_factory=class_row(_Membership)) as cursor:
        failed = cursor.execute(_FIRST_DUE, {**vars(last), "until": until, "most": 1}).fetchone()
    if failed is None:
        return last
    logger.error(
        "membership cannot be removed",
        user_id=failed.user_id,
        segment_id=failed.segment_id,
        error=type(error).__name__,
        sqlstate=error.sqlstate,
    )
    return failed


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


def _sweep_batch(connection: Connection, last: _Membership, until: datetime, most: int) -> _Batch:
    """Remove the first due memberships after the last one, which avoids the dead index entries before it."""
    with index_order(connection), connection.cursor(row_factory=class_row(_Batch)) as cursor:
        [batch] = cursor.execute(_REMOVAL, {**vars(last), "until": until, "most": most}).fetchall()
    return batch
