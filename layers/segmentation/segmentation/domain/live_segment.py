"""The live segment of a slug: its id, alone or with the exclusive lock for changes of the segment itself."""

from psycopg import Connection
from psycopg.rows import scalar_row

from segmentation.contract.problems import SegmentUnknown


def find(connection: Connection, slug: str) -> int:
    """Return the id of a segment. Raises SegmentUnknown."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        segment_id = cursor.execute(
            "select segments.segment_id from segments where segments.slug = %s::text and segments.deleted_at is null",
            (slug,),
        ).fetchone()
    if segment_id is None:
        raise SegmentUnknown([slug])
    return int(segment_id)


def hold(connection: Connection, slug: str) -> int:
    """Lock a segment against writers and other rollouts until the transaction ends. Raises SegmentUnknown.

    This must be the first lock of its transaction. Otherwise it could wait for a writer that waits for this session.
    """
    locked = connection.execute(
        """
        select segments.segment_id, hold_segment(segments.segment_id)
          from segments
         where segments.slug = %s::text and segments.deleted_at is null
        """,
        (slug,),
    ).fetchone()
    if locked is None:
        raise SegmentUnknown([slug])
    found = connection.execute(
        """
        select from segments
         where segments.segment_id = %s::integer and segments.slug = %s::text and segments.deleted_at is null
        """,
        (locked[0], slug),
    ).rowcount
    if not found:  # renamed or deleted meanwhile
        raise SegmentUnknown([slug])
    return int(locked[0])
