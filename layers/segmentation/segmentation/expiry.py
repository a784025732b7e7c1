"""Expiry: memberships whose lifetime is over leave, each exit dated at its due time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg import Connection
from psycopg.rows import class_row

from segmentation import metrics

BATCH = 10_000
"""Rows a transaction: about a tenth of a second, so that nobody waits long behind one."""


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


def sweep(connection: Connection, *, go_on: Callable[[], bool]) -> int:
    """Remove due memberships, batch by batch, until none is left or there is no time to go on.

    Each batch is a transaction; what another session holds is left to the next run, and what two runs both see
    only one removes. Returns how many were removed.
    """
    removed, since = 0, _BEGINNING
    while go_on():
        batch = _sweep_batch(connection, since)
        removed += batch.removed
        if batch.last_due is None:
            break
        since = batch.last_due
    metrics.record("MembershipsExpired", removed)
    return removed


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


def _sweep_batch(connection: Connection, since: datetime) -> _Batch:
    """Remove the oldest due rows; begin where the last batch ended, not among the index entries it left dead."""
    with connection.cursor(row_factory=class_row(_Batch)) as cursor:
        [batch] = cursor.execute(
            """
            with due as materialized (
                select memberships.ctid as place
                  from memberships
                 where memberships.expires_at >= %s::timestamptz and memberships.expires_at <= now()
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
            (since, BATCH),
        ).fetchall()
    return batch
