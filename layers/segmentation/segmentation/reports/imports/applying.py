"""Apply the loaded lines to the segment: batch by batch, each in one transaction with its progress."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, dict_row

from segmentation.contract.problems import ImportUnknown
from segmentation.contract.values import MAX_USER_ID
from segmentation.database import clock
from segmentation.jobs.leases import JobRejected
from segmentation.reports.imports import orders
from segmentation.reports.imports.progress import Progress
from segmentation.runtime import metrics

BATCH_LINES = 10_000
"""Lines that a transaction applies. Writers to the segment wait for it."""

BATCH_MEMBERS = 10_000
"""Members that a transaction reads, and removes if no line names them."""

COUNTED_MEMBERS = 100_000
"""Members that a statement counts."""

MAX_LINE = 2**63 - 1
GONE = "The segment was deleted after the import was ordered."


@dataclass(frozen=True)
class Import:
    """An import as it was ordered, the comment of its job, and the present slug of its segment."""

    import_number: int
    segment_id: int
    mode: str
    ttl: int | None
    expires_at: datetime | None
    dry_run: bool
    max_deletions: int | None
    actor: str
    cause_id: int | None
    slug: str


def get(connection: Connection, import_id: UUID) -> Import:
    """Return an import. Raises ImportUnknown."""
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        found = cursor.execute(
            """
            select imports.import_number, imports.segment_id, imports.mode, imports.ttl, imports.expires_at,
                   imports.dry_run, imports.max_deletions, imports.actor, jobs.cause_id, segments.slug
              from imports
              join jobs on jobs.job_id = imports.job_id
              join segments on segments.segment_id = imports.segment_id
             where imports.import_id = %s::uuid
            """,
            (import_id,),
        ).fetchone()
    if found is None:
        raise ImportUnknown(f"There is no import {import_id}.")
    return found


def lock_segment(connection: Connection, wanted: Import) -> str:
    """Lock the segment against other writers. Return why the import cannot go on, or an empty text.

    A second statement reads the segment, because the snapshot of the first one can be older than its lock.
    """
    connection.execute("select hold_segment(%s::integer)", (wanted.segment_id,))
    return obstacle(connection, wanted)


def obstacle(connection: Connection, wanted: Import) -> str:
    """Return why the import cannot go on with its segment, or an empty text."""
    [(is_deleted, has_percent)] = connection.execute(
        """
        select segments.deleted_at is not null, segments.user_percent is not null
          from segments
         where segments.segment_id = %s::integer
        """,
        (wanted.segment_id,),
    ).fetchall()
    if is_deleted:
        return GONE
    return orders.has_percent(wanted.slug) if has_percent and wanted.mode == "replace" else ""


def stop(progress: Progress, failure: str) -> Progress:
    """Return the progress of an import that cannot go on. The job then writes the verdicts so far, and fails."""
    stopped = replace(progress, failure=failure)
    return replace(stopped, phase="write") if progress.phase == "apply" else _all_applied(stopped)


def _all_applied(progress: Progress) -> Progress:
    return replace(progress, phase="write", after_user=MAX_USER_ID, after_line=MAX_LINE)


def begin_count(connection: Connection, progress: Progress) -> Progress:
    """Fix the instant until which members are counted and removed."""
    return replace(progress, phase="count", until=clock.next_moment(connection).isoformat(), after_user=0)


def count_batch(connection: Connection, wanted: Import, progress: Progress) -> Progress:
    """Count the members, and those whom no line names. Raises JobRejected if too many would be removed."""
    row = _take_unnamed(connection, wanted, progress, COUNTED_MEMBERS, only_count=True)
    members, unnamed = progress.members + row["members"], progress.unnamed + row["unnamed"]
    progress = replace(progress, members=members, unnamed=unnamed)
    if row["last_user"] is not None:
        return replace(progress, after_user=row["last_user"])
    most = members // 2 if wanted.max_deletions is None else wanted.max_deletions
    if unnamed > most:
        raise JobRejected(
            f"The import would remove {unnamed} of {members} members, more than the {most} of max_deletions. "
            "Nothing has changed."
        )
    return replace(progress, phase="apply", after_user=0)


def apply_batch(connection: Connection, wanted: Import, progress: Progress, lines: int) -> Progress:
    """Apply the next lines."""
    with connection.cursor(row_factory=dict_row) as cursor:
        [row] = cursor.execute(
            """
            select applied.last_user, applied.last_line, applied.lines, applied.added, applied.already,
                   applied.removed, applied.absent, applied.duplicate, applied.over
              from apply_import_lines(%s::integer, %s::integer, %s::boolean, %s::integer, %s::timestamptz,
                                      %s::boolean, %s::bigint, %s::bigint, %s::integer,
                                      with_cause(%s::text, %s::bigint)) applied
            """,
            (
                wanted.import_number,
                wanted.segment_id,
                wanted.mode == "remove",
                wanted.ttl,
                wanted.expires_at,
                wanted.dry_run,
                progress.after_user,
                progress.after_line,
                lines,
                wanted.actor,
                wanted.cause_id,
            ),
        ).fetchall()
    if not row["lines"]:
        return replace(progress, phase="remove", after_user=0) if wanted.mode == "replace" else _all_applied(progress)
    return replace(
        progress,
        after_user=row["last_user"],
        after_line=row["last_line"],
        added=progress.added + row["added"],
        already=progress.already + row["already"],
        removed=progress.removed + row["removed"],
        absent=progress.absent + row["absent"],
        duplicate=progress.duplicate + row["duplicate"],
        invalid=progress.invalid + row["over"],
    )


def remove_batch(connection: Connection, wanted: Import, progress: Progress, members: int) -> Progress:
    """Remove the next members whom no line names."""
    row = _take_unnamed(connection, wanted, progress, members, only_count=wanted.dry_run)
    progress = replace(progress, unnamed_removed=progress.unnamed_removed + row["unnamed"])
    if row["last_user"] is None:
        return _all_applied(progress)
    return replace(progress, after_user=row["last_user"])


def count_metrics(before: Progress, after: Progress) -> None:
    """Count what a batch changed."""
    metrics.count("MembershipsAdded", after.added - before.added)
    removed = after.removed + after.unnamed_removed - before.removed - before.unnamed_removed
    metrics.count("MembershipsRemoved", removed)


def _take_unnamed(
    connection: Connection, wanted: Import, progress: Progress, members: int, *, only_count: bool
) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        [row] = cursor.execute(
            """
            select taken.last_user, taken.members, taken.unnamed
              from take_unnamed_members(%s::integer, %s::integer, %s::timestamptz, %s::boolean, %s::bigint,
                                        %s::integer, with_cause(%s::text, %s::bigint)) taken
            """,
            (
                wanted.import_number,
                wanted.segment_id,
                progress.until,
                only_count,
                progress.after_user,
                members,
                wanted.actor,
                wanted.cause_id,
            ),
        ).fetchall()
    return row
