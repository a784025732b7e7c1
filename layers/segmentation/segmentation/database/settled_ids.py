"""Settled ids: up to such an id, each row of the history is committed, or will never exist.

A writer locks the history before it takes an id, and keeps that lock until its transaction has ended. So once all
transactions that have the lock now are over, no id that was issued by now can appear any more. A transaction that does
not write to the history is not waited for, however long it lasts. The ids of an aborted transaction stay a gap.

This needs the sequence history_ids to cache no ids: a session would keep them for later transactions.
"""

from dataclasses import dataclass
from time import monotonic, sleep
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from segmentation.database import lists, readers
from segmentation.runtime.log import logger

PATIENCE_SECONDS = 4
"""Longer than most writers, and shorter than the statements of a request may take."""

PAUSE_SECONDS = 0.01


@dataclass(frozen=True)
class _Issued:
    """The newest id issued, and the transactions that may still write rows with issued ids."""

    newest: int
    writers: list[str]


# The transactions with the lock of the history or of one of its partitions.
_WRITERS: LiteralString = """
    select pg_locks.virtualtransaction
      from pg_locks
      join pg_database on pg_database.oid = pg_locks.database and pg_database.datname = current_database()
     where pg_locks.locktype = 'relation' and pg_locks.mode = 'RowExclusiveLock' and pg_locks.granted
       and (pg_locks.relation = 'history'::regclass
            or pg_locks.relation in (select pg_inherits.inhrelid
                                       from pg_inherits
                                      where pg_inherits.inhparent = 'history'::regclass))
    """

# The locks must be read after the newest id: a writer could otherwise take an id in between. The subquery names the id,
# so Postgres runs it for the row that it has read from the sequence.
_ISSUED: LiteralString = f"""
    select issued.newest, array({_WRITERS} and issued.newest is not null) as writers
      from (select case when history_ids.is_called then history_ids.last_value else 0 end as newest
              from history_ids
            offset 0) issued
    """  # noqa: S608 # nosec B608 -- texts of our own

_STILL_WRITING: LiteralString = f"select exists ({_WRITERS} and pg_locks.virtualtransaction = any (%s::text[]))"  # nosec B608


def stored(connection: Connection) -> int:
    """Return the settled id that the schedule has stored. Newer ids may be settled too."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [settled] = cursor.execute("select coalesce(max(feed.settled_id), 0) from feed").fetchall()
    return int(settled)


def newest(connection: Connection, *, patience_seconds: float = PATIENCE_SECONDS) -> int | None:
    """Wait for the present writers, and return the newest id issued before. Return None if one of them takes too long.

    A statement that begins afterwards sees all rows up to that id.
    """
    readers.require_writer(connection)
    with connection.cursor(row_factory=class_row(_Issued)) as cursor:
        [issued] = cursor.execute(_ISSUED).fetchall()
    if _have_ended(connection, issued.writers, patience_seconds):
        return issued.newest
    logger.warning("a transaction that writes to the history lasts long: newer events wait for its end")
    return None


def store(connection: Connection, settled: int) -> None:
    """Store a settled id. Readers that are behind it do not look for writers."""
    connection.execute(
        """
        insert into feed (settled_id)
        values (%s::bigint)
            on conflict (feed_id) do update set settled_id = greatest(feed.settled_id, excluded.settled_id)
        """,
        (settled,),
    )


def _have_ended(connection: Connection, writers: list[str], patience_seconds: float) -> bool:
    """Wait until none of these transactions writes any more. Return false if one of them takes longer than that."""
    deadline = monotonic() + patience_seconds
    while writers and _are_writing(connection, writers):
        if monotonic() > deadline:
            return False
        sleep(PAUSE_SECONDS)
    return True


def _are_writing(connection: Connection, writers: list[str]) -> bool:
    with lists.cursor(connection, writers, row_factory=scalar_row) as cursor:
        [writing] = cursor.execute(_STILL_WRITING, (writers,)).fetchall()
    return bool(writing)
