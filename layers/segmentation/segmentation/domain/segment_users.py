"""Many users of one segment: add and remove them in one transaction."""

from collections import Counter
from collections.abc import Iterable

from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row

from segmentation.contract.problems import RequestInvalid, SegmentUnknown
from segmentation.contract.requests import SegmentUsersChange
from segmentation.contract.responses import SegmentUsersChanged
from segmentation.database import lists
from segmentation.runtime import metrics


def change(connection: Connection, slug: str, wanted: SegmentUsersChange, *, actor: str) -> SegmentUsersChanged:
    """Add users to a segment and remove others, all or nothing. Unknown users appear.

    An active member stays unchanged, including its lifetime. Raises SegmentUnknown, or RequestInvalid if the lifetime
    is over.
    """
    with connection.transaction():
        segment_id = _share(connection, slug)
        outcomes = _change(connection, segment_id, wanted, actor)
        if outcomes["over"]:
            raise RequestInvalid(("body.expires_at", "must be in the future"))
    metrics.count("MembershipsAdded", outcomes["added"])
    metrics.count("MembershipsRemoved", outcomes["removed"])
    return SegmentUsersChanged(users_added=outcomes["added"], users_deleted=outcomes["removed"])


def _share(connection: Connection, slug: str) -> int:
    """Lock a live segment as every writer of memberships does, and return its id. Raises SegmentUnknown."""
    connection.execute("select pg_advisory_xact_lock_shared(0, 0)")
    with connection.cursor(row_factory=scalar_row) as cursor:
        segment_id = cursor.execute(
            """
            select segments.segment_id
              from segments
             where segments.slug = %s::text and segments.deleted_at is null
               for share
            """,
            (slug,),
        ).fetchone()
    if segment_id is None:
        raise SegmentUnknown([slug])
    return int(segment_id)


def _change(connection: Connection, segment_id: int, wanted: SegmentUsersChange, actor: str) -> Counter[str]:
    """Return how many users had each outcome. sql/functions/change_segment_users.sql lists the outcomes."""
    added = _once(wanted.add_users)
    removed = _once(wanted.delete_users)
    with lists.cursor(connection, added, removed, row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            """
            select changed.outcome, count(*)
              from change_segment_users(%s::integer, %s::bigint[], %s::integer[], %s::timestamptz[], %s::bigint[],
                                        with_comment(%s::text, %s::text), 'manual') changed
             group by changed.outcome
            """,
            (
                segment_id,
                added,
                [wanted.ttl] * len(added),
                [wanted.expires_at] * len(added),
                removed,
                actor,
                wanted.comment,
            ),
        ).fetchall()
    return Counter(dict(rows))


def _once(user_ids: Iterable[int]) -> list[int]:
    return [*dict.fromkeys(user_ids)]
