"""The end of a deleted segment's memberships: in the request where they are few, else by a job of this kind.

Reads have hidden them since the segment was deleted, and show their exits, at that moment: the database dates them so
when their rows go.
"""

from collections.abc import Generator, Iterator
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import scalar_row

from segmentation.database import transactions
from segmentation.jobs import leases
from segmentation.jobs.leases import Kind, Lease, Step
from segmentation.runtime import metrics

REMOVAL = "segment_removal"

MOST_MEMBERS = 50_000
"""The most memberships that a request ends itself; the contract says so."""

BATCH_MEMBERS = 10_000
"""Memberships that a transaction ends: about a tenth of a second."""

COUNTED_ROWS = 1_000_000
"""Rows of the history that a statement counts at most: some tenths of a second, whatever a statement may take."""


def is_small(connection: Connection, segment_id: int) -> bool:
    """Return whether a request can end a segment itself, without counting more of what belongs to it than that."""
    return not any(
        _has_more(connection, table, segment_id, than=MOST_MEMBERS) for table in ("memberships", "rollout_overrides")
    )


def end_memberships(connection: Connection, segment_id: int, *, most: int) -> int:
    """End at most that many memberships of a deleted segment, and return how many it were.

    None does not mean that none is left: others who end memberships may have ended just those that this saw.
    """
    return connection.execute(
        """
        delete from memberships
         -- by an array of places: a join would read the whole table for every batch
         where memberships.ctid = any (array(
               select doomed.ctid
                 from memberships doomed
                where doomed.segment_id = %s::integer
                order by doomed.user_id
                limit %s::integer))
        """,
        (segment_id, most),
    ).rowcount


def create_job(connection: Connection, segment_id: int, *, actor: str) -> UUID:
    """Leave the memberships of a deleted segment to a job; until it is done, histories show their exits without it."""
    connection.execute("update segments set is_emptying = true where segments.segment_id = %s::integer", (segment_id,))
    return leases.create(connection, REMOVAL, {"segment_id": segment_id}, actor=actor)


def forget_rollout(connection: Connection, segment_id: int) -> None:
    """Remove what only a living segment needs."""
    _forget_overrides(connection, segment_id, most=MOST_MEMBERS)
    connection.execute("delete from rollouts where rollouts.segment_id = %s::integer", (segment_id,))


def _forget_overrides(connection: Connection, segment_id: int, *, most: int) -> int:
    return connection.execute(
        """
        delete from rollout_overrides
         where rollout_overrides.ctid = any (array(
               select doomed.ctid
                 from rollout_overrides doomed
                where doomed.segment_id = %s::integer
                limit %s::integer))
        """,
        (segment_id, most),
    ).rowcount


def end_what_waits(connection: Connection) -> Iterator[int]:
    """End what memberships of deleted segments are left, batch by batch: their jobs find less to do.

    Those that others are ending are waited for.
    """
    segments = connection.execute("select segments.segment_id from segments where segments.is_emptying").fetchall()
    for (segment_id,) in segments:
        end_batch = partial(end_memberships, connection, segment_id, most=BATCH_MEMBERS)
        while (ended := transactions.retry_aborted(end_batch)) or _is_left(connection, segment_id):
            metrics.count("MembershipsRemoved", ended)
            yield ended


def run(connection: Connection, lease: Lease) -> Generator[Step, None, dict[str, Any]]:
    """End the memberships and forget the decisions by hand, batch by batch, until none is left."""
    segment_id, done = lease.parameters["segment_id"], lease.progress.get("done", 0)
    total = done + _count(connection, lease)
    while True:
        ended = transactions.retry_aborted(lambda: _end_batch(connection, lease, done, total))  # noqa: B023 -- called at once
        if (
            ended == 0
            and not _forget_overrides(connection, segment_id, most=BATCH_MEMBERS)
            and _finish(connection, segment_id)
        ):
            break
        done += ended
        metrics.count("MembershipsRemoved", ended)
        yield Step(done, total, {"done": done})
    if done < total:  # the sweep or a report has ended the others
        yield Step(total, total, {"done": total})
    return {"users_deleted": _count_removed(connection, segment_id)}


def _end_batch(connection: Connection, lease: Lease, done: int, total: int) -> int:
    """End a batch and write down how far it came, in one transaction: a worker that dies does neither."""
    with transactions.transaction(connection, actor=lease.actor):
        ended = end_memberships(connection, lease.parameters["segment_id"], most=BATCH_MEMBERS)
        leases.save(connection, lease, Step(done + ended, total, {"done": done + ended}))
    return ended


def _finish(connection: Connection, segment_id: int) -> bool:
    """Write down that no membership is left, unless there is one: those that others are ending may yet stay."""
    with connection.transaction():
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
        forget_rollout(connection, segment_id)
    return True


def _has_more(connection: Connection, table: str, segment_id: int, *, than: int) -> bool:
    """Return whether a table has more rows of a segment than that."""
    one_more = connection.execute(
        sql.SQL("select from {} where segment_id = %s::integer offset %s::integer limit 1").format(
            sql.Identifier(table)
        ),
        (segment_id, than),
    )
    return one_more.rowcount > 0


def _is_left(connection: Connection, segment_id: int) -> bool:
    """Return whether a membership is left; one counts until the transaction that ends it is over.

    In order, for which only the index will do: statistics of before would have all rows read for one that is gone.
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


def _count(connection: Connection, lease: Lease) -> int:
    with connection.cursor(row_factory=scalar_row) as cursor:
        [members] = cursor.execute(
            "select count(*) from memberships where memberships.segment_id = %s::integer",
            (lease.parameters["segment_id"],),
        ).fetchall()
    return int(members)


def _count_removed(connection: Connection, segment_id: int) -> int:
    """Count whom the deletion took out, whoever wrote it: their exits are all of its instant, by which they are found.

    Not the memberships that the job ended: a report and the sweep end some beside it.
    """
    removed, last, read = 0, 0, COUNTED_ROWS
    while read == COUNTED_ROWS:
        [(read, found, last)] = connection.execute(
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
            {"segment_id": segment_id, "last": last, "limit": COUNTED_ROWS},
        ).fetchall()
        removed += found
    return removed


KIND = Kind(REMOVAL, run)
