"""The kind of job that reports a month of all users.

The job reads the month in order of time, some ten thousand rows per statement. Each statement starts after the last
row of the previous one. So memory holds only one part of the file, and no transaction is long. An interrupted worker
loses at most one part.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from segmentation.contract.requests import NewReport
from segmentation.contract.responses import Job, JobRef
from segmentation.database import watermark
from segmentation.domain import deletion
from segmentation.jobs import leases, queue
from segmentation.jobs.leases import Kind, Lease, Step
from segmentation.reports import storage
from segmentation.reports.month_progress import Progress
from segmentation.reports.months import Month
from segmentation.reports.requested_month import requested_month
from segmentation.reports.upload_part import Part
from segmentation.reports.user_report import COLUMNS
from segmentation.runtime import metrics

MONTH_REPORT = "month_report"

BATCH_ROWS = 2_500
"""Rows that become one text. More rows do not fit in the processor's caches. Fewer rows mean more overhead per row."""

STATEMENT_BATCHES = 24
"""Batches of one statement. Their text fits in the server's work_mem, and the statement stays short."""

PART_BYTES = 8 * 1024 * 1024
"""The minimum size of a part. S3 accepts at most 10 000 parts, and only the last one may be under 5 MiB."""

SAVE_SECONDS = 10
"""The longest time between two saves of the progress. Each save renews the lease (leases.LEASE_SECONDS)."""


@dataclass(frozen=True)
class _Batch:
    """The number of operations read, the CSV lines of those in the report, and the place of the last operation."""

    read: int
    text: str
    executed_at: datetime
    history_id: int


def create_for_all(connection: Connection, wanted: NewReport, *, actor: str) -> JobRef:
    """Create the job that reports a month of all users. Raises RequestInvalid for a month in the future."""
    requested_month(connection, wanted.year, wanted.month, location="body")
    job_id = leases.create(connection, MONTH_REPORT, wanted.model_dump(mode="json"), actor=actor)
    queue.request_worker(job_id)
    return JobRef(job_id=job_id)


def run(connection: Connection, lease: Lease) -> Generator[Step, None, dict[str, Any]]:
    """Store the month part by part. Return the name of the file and its number of rows."""
    report = NewReport.model_validate(lease.parameters)
    try:
        progress = Progress.restored(lease.progress) if lease.progress else (yield from _begin(connection, report))
        return (yield from _write_file(connection, report, progress))
    except storage.UploadGone:  # the bucket aborts uploads after a day, and a failed job aborts its own
        clean_up(lease.progress)  # an upload of an older version still exists
        progress = yield from _begin(connection, report)
        return (yield from _write_file(connection, report, progress))


def clean_up(progress: dict[str, Any]) -> None:
    """Abort the uploads of a failed job, so that no unfinished file remains."""
    if progress:
        storage.abort_uploads(progress["file_name"])


def with_link(job: Job) -> Job:
    """Return a job as its client sees it. The result of a month report gets a link that is signed now."""
    if job.kind != MONTH_REPORT or not job.result:
        return job
    link = storage.link(job.result["file_name"])
    result = {"report_link": link.url, "expires_at": link.expires_at, "rows": job.result["rows"]}
    return job.model_copy(update={"result": result})


def _begin(connection: Connection, report: NewReport) -> Generator[Step, None, Progress]:
    """Fix the range of the report. The current month is reported up to now.

    All rows before that instant are then committed, except the exits from deleted segments whose job still runs. They
    are written first, because they all have the instant of the deletion.
    """
    month = Month(report.year, report.month)
    until = watermark.settled_instant(connection, month.ends_at)
    for _ in deletion.end_pending_deletions(connection):
        yield Step(0, None, {})
    file_name = storage.new_file_name(report.slug or "all-users", month, report.format)
    progress = Progress(file_name, until.isoformat(), _estimate_rows(connection, report))
    yield _step(progress)
    return progress


def _write_file(connection: Connection, report: NewReport, progress: Progress) -> Generator[Step, None, dict[str, Any]]:
    """Continue the file from its progress. Raises UploadGone if the file has to start again."""
    if not progress.upload_id:
        progress = replace(progress, upload_id=storage.begin_upload(progress.file_name))
        yield _step(progress)
    for stored in _store_parts(connection, report, progress):
        progress = stored
        yield _step(progress)
    if progress.total != progress.rows:
        progress = replace(progress, total=progress.rows)
        yield _step(progress)
    storage.abort_uploads(progress.file_name, keep=progress.upload_id)
    storage.complete_upload(progress.file_name, progress.upload_id, list(progress.tags))
    metrics.count("ReportRows", progress.rows)
    return {"file_name": progress.file_name, "rows": progress.rows}


def _estimate_rows(connection: Connection, report: NewReport) -> int:
    """Return the planner's estimate of the number of rows. An exact count would slow the report down."""
    month = Month(report.year, report.month)
    with connection.cursor(row_factory=scalar_row) as cursor:
        [plan] = cursor.execute(
            """
            explain (format json)
            select from operations
             where operations.executed_at >= %s::timestamptz and operations.executed_at < %s::timestamptz
               and operations.action_id <= 2 and (%s::text is null or operations.slug = %s::text)
            """,
            (month.begins_at, month.ends_at, report.slug, report.slug),
            prepare=False,
        ).fetchall()
    return int(plan[0]["Plan"]["Plan Rows"])


def _store_parts(connection: Connection, report: NewReport, progress: Progress) -> Iterator[Progress]:
    """Upload part after part, with the header in the first. There is always a part, and the last may be small.

    A part can take long to fill, for example if most rows of the month belong to other segments. Then its beginning is
    saved with the job.
    """
    if progress.has_ended:
        return
    part = _next_part(progress)
    saved_at = time.monotonic()
    if not (progress.tags or progress.kept):
        part.add((",".join(COLUMNS) + "\r\n").encode())
    stored, read = progress, BATCH_ROWS
    while read >= BATCH_ROWS:  # a smaller batch is the end of the month
        read = 0
        for batch in _batches(connection, report, progress):
            part.add(batch.text.encode())
            progress = _after(progress, batch)
            read = batch.read
        if part.size >= PART_BYTES:
            stored = progress = _store_part(progress, part, part.body())
            yield progress
            part = _next_part(progress)
        elif time.monotonic() - saved_at >= SAVE_SECONDS:
            progress = replace(progress, kept=part.saved(), checksum=part.checksum)
            yield progress
        else:
            continue
        saved_at = time.monotonic()
    if progress.rows > stored.rows or progress.kept or not progress.tags or progress.is_compressed:
        yield replace(_store_part(progress, part, part.last_body()), has_ended=True)


def _next_part(progress: Progress) -> Part:
    return Part(progress.is_compressed, progress.kept, progress.checksum)


def _after(progress: Progress, batch: _Batch) -> Progress:
    return replace(
        progress,
        rows=progress.rows + batch.text.count("\n"),
        executed_at=batch.executed_at.isoformat(),
        history_id=batch.history_id,
    )


def _store_part(progress: Progress, part: Part, body: bytes) -> Progress:
    number = len(progress.tags) + 1
    tag = storage.upload_part(progress.file_name, progress.upload_id, number, body)
    return replace(progress, tags=(*progress.tags, tag), kept="", checksum=part.checksum)


def _batches(connection: Connection, report: NewReport, progress: Progress) -> Iterator[_Batch]:
    """Yield the batches of one statement, from the place where the progress ends.

    The server makes the text, because one message per row costs more than all other work. It makes the next batch while
    the client receives one. Rows outside the report are read too, but make no line (null). So each statement reads a
    limited number of rows. An instant is cut to its second, not rounded, so no row moves into the next month.

    Due exits that are not yet swept share one history_id, as in the view operations. The statement does not use that
    view, because it would sort these exits for every batch. The exits of one instant stay in one batch, because no
    place between them can be saved.
    """
    with connection.cursor(row_factory=class_row(_Batch)) as cursor:
        # a streamed statement is planned for its values. A generic plan would sort the month for every batch.
        yield from cursor.stream(
            """
            with recursive batches as (
                select 0 as number, %(limit)s::integer as read, '' collate "C" as text,
                       %(executed_at)s::timestamptz as executed_at, %(history_id)s::bigint as history_id
                 union all
                select batches.number + 1, batch.read, batch.text, batch.executed_at, batch.ids[batch.read]
                  from batches
                 cross join lateral (
                       select count(*)::integer as read, max(line.executed_at) as executed_at,
                              array_agg(line.history_id order by line.executed_at, line.history_id) as ids,
                              coalesce(string_agg(
                                  line.user_id || ','
                                  || case when %(slug)s::text is null or line.slug = %(slug)s::text then line.slug end
                                  || case line.action_id when 1 then ',I,' when 2 then ',D,' end
                                  || date_bin('1 second', line.executed_at at time zone interval '0', '2000-01-01'),
                                  E'\\r\\n' order by line.executed_at, line.history_id) || E'\\r\\n', '') as text
                         from (
                              (select history.user_id, history.slug, history.action_id, history.executed_at,
                                      history.history_id
                                 from history
                                where history.executed_at >= %(begins_at)s::timestamptz
                                  and history.executed_at < %(until)s::timestamptz
                                  and history.executed_at >= batches.executed_at
                                  and (history.executed_at, history.history_id)
                                      > (batches.executed_at, batches.history_id)
                                order by history.executed_at, history.history_id
                                limit %(limit)s::integer)
                              union all
                              (select memberships.user_id, segments.slug, 2, memberships.expires_at, 9223372036854775807
                                 from memberships
                                 join segments on segments.segment_id = memberships.segment_id
                                where memberships.expires_at <= now()
                                  and memberships.expires_at >= %(begins_at)s::timestamptz
                                  and memberships.expires_at < %(until)s::timestamptz
                                  and memberships.expires_at >= batches.executed_at
                                  and (memberships.expires_at, 9223372036854775807)
                                      > (batches.executed_at, batches.history_id)
                                order by memberships.expires_at
                                fetch first (%(limit)s::integer) rows with ties)
                               order by executed_at, history_id
                               fetch first (%(limit)s::integer) rows with ties) line
                       having count(*) > 0) batch
                 where batches.read >= %(limit)s::integer
                   and (batches.number < %(batches)s::integer
                        or batches.history_id < 9223372036854775807
                           -- the first due exit from there on; "exists" could read the whole table to find it
                           and batches.executed_at = (select min(memberships.expires_at)
                                                        from memberships
                                                       where memberships.expires_at >= batches.executed_at
                                                         and memberships.expires_at <= now())))
            select batches.read, batches.text, batches.executed_at, batches.history_id
              from batches
             where batches.number > 0
            """,
            {
                "begins_at": Month(report.year, report.month).begins_at,
                "until": progress.until,
                "executed_at": progress.executed_at,
                "history_id": progress.history_id,
                "slug": report.slug,
                "limit": BATCH_ROWS,
                "batches": STATEMENT_BATCHES,
            },
        )


def _step(progress: Progress) -> Step:
    return Step(progress.rows, progress.total, progress.saved())


KIND = Kind(MONTH_REPORT, run, clean_up)
