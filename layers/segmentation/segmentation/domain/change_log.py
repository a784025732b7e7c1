"""The change log of segments. The database writes it (sql/functions/record_segment_change.sql)."""

from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row, scalar_row

from segmentation.contract import cursors
from segmentation.contract.problems import SegmentUnknown
from segmentation.contract.responses import ChangePage, LoggedChange

_END = "9999-12-31T23:59:59.999999+00:00 9223372036854775807"


def count(
    connection: Connection, segment_id: int, *, added: int = 0, deleted: int = 0, job_id: UUID | None = None
) -> None:
    """Add the users whom the last change of this transaction added and removed to the log.

    A job adds its own numbers when it succeeds.
    """
    if added or deleted or job_id:
        connection.execute(
            "select count_segment_change(%s::integer, %s::bigint, %s::bigint, %s::uuid)",
            (segment_id, added, deleted, job_id),
        )


def list_changes(connection: Connection, slug: str, *, before: str, limit: int) -> ChangePage:
    """Return the changes of a segment before a place in its log, newest first. Raises SegmentUnknown.

    The slug of a deleted segment means the last segment that had it. The numbers of a job that still runs are those of
    its progress.
    """
    segment_id = _find(connection, slug)
    changed_at, change_id = (before or _END).split(" ")
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """
            select page.change_id, page.changed_at, page.change, page.actor, page.before, page.after, page.job_id,
                   page.step_id,
                   (select causes.comment from causes where causes.cause_id = page.cause_id) as comment,
                   page.users_added + coalesce((running.progress ->> 'added')::bigint, 0) as users_added,
                   page.users_deleted
                   + coalesce((running.progress ->> 'deleted')::bigint, (running.progress ->> 'done')::bigint, 0)
                   as users_deleted
              from (select segment_changes.*
                      from segment_changes
                     where segment_changes.segment_id = %s::integer
                       and (segment_changes.changed_at, segment_changes.change_id) < (%s::timestamptz, %s::bigint)
                     order by segment_changes.changed_at desc, segment_changes.change_id desc
                     limit %s::integer) page
              left join jobs running on running.job_id = page.job_id and running.status <> 'succeeded'
             order by page.changed_at desc, page.change_id desc
            """,
            (segment_id, changed_at, change_id, limit + 1),
        ).fetchall()
    page, next_cursor = cursors.page(rows, limit, _place_of)
    return ChangePage(changes=[LoggedChange.model_validate(row) for row in page], next_cursor=next_cursor)


def _find(connection: Connection, slug: str) -> int:
    """Return the live segment with a slug, or the last deleted one. Raises SegmentUnknown."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(
            """
            select coalesce(
                (select segments.segment_id
                   from segments
                  where segments.slug = %(slug)s::text and segments.deleted_at is null),
                (select segments.segment_id
                   from segments
                  where segments.slug = %(slug)s::text and segments.deleted_at is not null
                  order by segments.deleted_at desc
                  limit 1))
            """,
            {"slug": slug},
        ).fetchone()
    if found is None:
        raise SegmentUnknown([slug])
    return int(found)


def _place_of(row: dict[str, Any]) -> str:
    return f"{row['changed_at'].isoformat()} {row['change_id']}"
