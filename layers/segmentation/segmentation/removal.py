"""The end of a deleted segment's memberships: in the request where they are few, else by a job of this kind.

Reads have hidden them since the segment was deleted, and show their exits, at that moment: the database dates them so
when their rows go.
"""

from collections.abc import Generator, Iterator
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row

from segmentation import database, jobs, metrics
from segmentation.jobs import Kind, Lease, Step

REMOVAL = "segment_removal"

MOST_MEMBERS = 50_000
"""The most memberships that a request ends itself; the contract says so."""

BATCH_MEMBERS = 10_000
"""Memberships that a transaction ends: about a tenth of a second."""


def has_few_members(connection: Connection, segment_id: int) -> bool:
    """Return whether a request can end the memberships itself, without counting more of them than that."""
    one_more = connection.execute(
        "select from memberships where memberships.segment_id = %s::integer offset %s::integer limit 1",
        (segment_id, MOST_MEMBERS),
    )
    return one_more.rowcount == 0


def end_memberships(connection: Connection, segment_id: int, *, most: int) -> int:
    """End at most that many memberships of a deleted segment, and return how many it were."""
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
    return jobs.create(connection, REMOVAL, {"segment_id": segment_id}, actor=actor)


def forget_rollout(connection: Connection, segment_id: int) -> None:
    """Remove what only a living segment needs."""
    connection.execute("delete from rollout_overrides where rollout_overrides.segment_id = %s::integer", (segment_id,))
    connection.execute("delete from rollouts where rollouts.segment_id = %s::integer", (segment_id,))


def end_what_waits(connection: Connection) -> Iterator[int]:
    """End what memberships of deleted segments are left, batch by batch: their jobs find less to do."""
    segments = connection.execute("select segments.segment_id from segments where segments.is_emptying").fetchall()
    for (segment_id,) in segments:
        while ended := database.settled(partial(end_memberships, connection, segment_id, most=BATCH_MEMBERS)):
            metrics.count("MembershipsRemoved", ended)
            yield ended


def run(connection: Connection, lease: Lease) -> Generator[Step, None, dict[str, Any]]:
    """End the memberships batch by batch."""
    done = lease.progress.get("done", 0)
    total = done + _count(connection, lease)
    while ended := database.settled(lambda: _end_batch(connection, lease, done, total)):  # noqa: B023 -- called at once
        done += ended
        metrics.count("MembershipsRemoved", ended)
        yield Step(done, total, {"done": done})
    _finish(connection, lease.parameters["segment_id"])
    return {"users_deleted": done}


def _end_batch(connection: Connection, lease: Lease, done: int, total: int) -> int:
    """End a batch and write down how far it came, in one transaction: a worker that dies does neither."""
    with database.transaction(connection, actor=lease.actor):
        ended = end_memberships(connection, lease.parameters["segment_id"], most=BATCH_MEMBERS)
        jobs.save(connection, lease, Step(done + ended, total, {"done": done + ended}))
    return ended


def _finish(connection: Connection, segment_id: int) -> None:
    with connection.transaction():
        forget_rollout(connection, segment_id)
        connection.execute(
            "update segments set is_emptying = false where segments.segment_id = %s::integer", (segment_id,)
        )


def _count(connection: Connection, lease: Lease) -> int:
    with connection.cursor(row_factory=scalar_row) as cursor:
        [members] = cursor.execute(
            "select count(*) from memberships where memberships.segment_id = %s::integer",
            (lease.parameters["segment_id"],),
        ).fetchall()
    return int(members)


KIND = Kind(REMOVAL, run)
