"""Deletion: end the memberships of a deleted segment, in the request if they are few, otherwise by a job.

From the moment of the deletion, reads hide the memberships and show their exits. The database dates the exits with that
moment when the rows are deleted.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import class_row

from segmentation.database import transactions
from segmentation.database.index_order import index_order
from segmentation.jobs import leases
from segmentation.jobs.batch_size import BatchSize
from segmentation.jobs.leases import Kind, Lease, Step
from segmentation.runtime import metrics

DELETION = "segment_removal"

MOST_MEMBERS = 50_000
"""The most memberships that a request ends itself. The limit is part of the contract."""

BATCH_MEMBERS = 10_000
"""Memberships that a transaction ends."""

COUNTED_ROWS = 1_000_000
"""The most history rows that a statement counts, which keeps it far below the statement timeout."""


@dataclass(frozen=True)
class Ended:
    """The number of memberships that a statement removed, and of those that were active until the deletion."""

    removed: int = 0
    active: int = 0


def fits_in_request(connection: Connection, segment_id: int) -> bool:
    """Return whether a request can end a segment itself. It counts no more rows than the limit."""
    return not any(
        _has_more(connection, table, segment_id, than=MOST_MEMBERS) for table in ("memberships", "rollout_overrides")
    )


def end_memberships(connection: Connection, segment_id: int, *, most: int) -> Ended:
    """End at most so many memberships of a deleted segment, and return how many ended.

    Zero does not mean that none is left: another session may have ended the same memberships first.
    """
    with connection.cursor(row_factory=class_row(Ended)) as cursor:
        [ended] = cursor.execute(
            """
            with gone as (
                delete from memberships
                 -- by an array of ctids: a join would read the whole table for every batch
                 where memberships.ctid = any (array(
                       select ending.ctid
                         from memberships ending
                        where ending.segment_id = %(segment_id)s::integer
                        order by ending.user_id
                        limit %(most)s::integer))
             returning memberships.expires_at)
            select count(*)::integer as removed,
                   (count(*) filter (where gone.expires_at is null
                                        or gone.expires_at > (select segments.deleted_at
                                                                from segments
                                                               where segments.segment_id = %(segment_id)s::integer))
                   )::integer as active
              from gone
            """,
            {"segment_id": segment_id, "most": most},
        ).fetchall()
    return ended


def create_job(connection: Connection, segment_id: int, *, actor: str) -> UUID:
    """Leave the memberships of a deleted segment to a job. Histories show their exits even before the job ends."""
    connection.execute("update segments set is_emptying = true where segments.segment_id = %s::integer", (segment_id,))
    return leases.create(connection, DELETION, {"segment_id": segment_id}, actor=actor)


def delete_rollout(connection: Connection, segment_id: int) -> None:
    """Delete the rollout and the overrides of a segment, which a deleted segment does not need."""
    _delete_overrides(connection, segment_id, most=MOST_MEMBERS)
    connection.execute("delete from rollouts where rollouts.segment_id = %s::integer", (segment_id,))


def _delete_overrides(connection: Connection, segment_id: int, *, most: int) -> int:
    return connection.execute(
        """
        delete from rollout_overrides
         where rollout_overrides.ctid = any (array(
               select ending.ctid
                 from rollout_overrides ending
                where ending.segment_id = %s::integer
                limit %s::integer))
        """,
        (segment_id, most),
    ).rowcount


def end_pending_deletions(connection: Connection) -> Iterator[int]:
    """End the memberships that deleted segments still have, batch by batch, before the jobs of those segments do.

    It waits for memberships that other sessions are ending.
    """
    segments = connection.execute("select segments.segment_id from segments where segments.is_emptying").fetchall()
    for (segment_id,) in segments:
        end_batch = partial(BatchSize(BATCH_MEMBERS).fit, partial(_end_pending, connection, segment_id))
        while (ended := transactions.retry_aborted(end_batch)) or _has_memberships(connection, segment_id):
            metrics.count("MembershipsRemoved", ended)
            yield ended


def _end_pending(connection: Connection, segment_id: int, most: int) -> int:
    with index_order(connection):
        return end_memberships(connection, segment_id, most=most).removed


def run(connection: Connection, lease: Lease) -> Generator[Step, None, dict[str, Any]]:
    """End the memberships and delete the overrides, batch by batch, until none is left."""
    segment_id, done = lease.parameters["segment_id"], lease.progress.get("done", 0)
    size = BatchSize(BATCH_MEMBERS)
    total = done + _count_memberships(connection, segment_id)
    while True:
        end_batch = partial(_end_batch, connection, lease, done, total)
        ended = transactions.retry_aborted(partial(size.fit, end_batch))
        if (
            ended == 0
            and not size.fit(partial(_end_overrides, connection, segment_id))
            and _finish(connection, segment_id)
        ):
            break
        done += ended
        metrics.count("MembershipsRemoved", ended)
        yield Step(done, total, {"done": done})
    if done < total:  # the sweep or a report ended the others
        yield Step(total, total, {"done": total})
    return {"users_deleted": _count_exits(connection, segment_id)}


def _end_batch(connection: Connection, lease: Lease, done: int, total: int, most: int) -> int:
    """End a batch and save the progress in one transaction, so a worker that is killed leaves both or neither."""
    with (
        index_order(connection),
        transactions.transaction_of_job(connection, actor=lease.actor, cause_id=lease.cause_id),
    ):
        ended = end_memberships(connection, lease.parameters["segment_id"], most=most).removed
        leases.save(connection, lease, Step(done + ended, total, {"done": done + ended}))
    return ended


def _end_overrides(connection: Connection, segment_id: int, most: int) -> int:
    with index_order(connection):
        return _delete_overrides(connection, segment_id, most=most)


def _finish(connection: Connection, segment_id: int) -> bool:
    """Mark the segment as emptied and return True, or return False if it has memberships.

    Another session may be ending them, and can still roll back.
    """
    with index_order(connection):
        emptied = connection.execute(
            """
            update segments
               set is_emptying = false
             where segments.segment_id = %s::integer
               and not exists (select from memberships where memberships.segment_id = segments.segment_id)
            """,
            (segment_id,),
        )
        if emptied.rowcount == 0:
            return False
        delete_rollout(connection, segment_id)
    return True


def _has_more(connection: Connection, table: str, segment_id: int, *, than: int) -> bool:
    """Return whether a table has more than so many rows of a segment."""
    one_more = connection.execute(
        sql.SQL("select from {} where segment_id = %s::integer offset %s::integer limit 1").format(
            sql.Identifier(table)
        ),
        (segment_id, than),
    )
    return one_more.rowcount > 0


def _has_memberships(connection: Connection, segment_id: int) -> bool:
    """Return whether a membership is left. It counts until the transaction that ends it has committed.

    The order makes the planner use the index. With outdated statistics it would read the whole table instead.
    """
    left = connection.execute(
        """
        select from memberships
         where memberships.segment_id = %s::integer
         order by memberships.user_id
         limit 1
        """,
        (segment_id,),
    )
    return left.rowcount > 0


def _count_memberships(connection: Connection, segment_id: int) -> int:
    return _count(
        connection,
        """
        select count(*), count(*), max(members.user_id)
          from (select memberships.user_id
                  from memberships
                 where memberships.segment_id = %(segment_id)s::integer and memberships.user_id > %(last)s::bigint
                 order by memberships.user_id
                 limit %(limit)s::integer) members
        """,
        segment_id,
    )


def _count_exits(connection: Connection, segment_id: int) -> int:
    """Count the exits that the deletion caused. All of them have its time, by which the index finds them.

    The job's own number would be too low, because a report and the sweep also end memberships of the segment.
    """
    return _count(
        connection,
        """
        select count(*), count(*) filter (where exits.is_counted), max(exits.history_id)
          from (select history.history_id,
                       history.segment_id = %(segment_id)s::integer
                       and history.action_id = 2 and history.reason = 'segment_deleted' as is_counted
                  from history
                 where history.executed_at = (select segments.deleted_at
                                                from segments
                                               where segments.segment_id = %(segment_id)s::integer)
                   and history.history_id > %(last)s::bigint
                 order by history.history_id
                 limit %(limit)s::integer) exits
        """,
        segment_id,
    )


def _count(connection: Connection, query: LiteralString, segment_id: int) -> int:
    """Count rows piece by piece. The query returns the rows read, those counted, and the key of the last."""
    size, counted, last = BatchSize(COUNTED_ROWS), 0, 0

    def count_piece(limit: int) -> tuple[bool, int, int]:
        with index_order(connection):
            [(read, found, newest)] = connection.execute(
                query, {"segment_id": segment_id, "last": last, "limit": limit}
            ).fetchall()
        return read == limit, found, newest

    has_more = True
    while has_more:
        has_more, found, last = size.fit(count_piece)
        counted += found
    return counted


KIND = Kind(DELETION, run)
