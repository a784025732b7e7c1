"""The kind of job that reports a month of all users.

The job reads the month in order of time, some ten thousand rows per statement (month_rows). Each statement starts
after the last row of the previous one. So memory holds only one part of the file, and no transaction is long. An
interrupted worker loses at most one part.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

from psycopg import Connection
from psycopg.rows import scalar_row

from segmentation.contract.requests import NewReport
from segmentation.contract.responses import Job, JobRef
from segmentation.database import watermark
from segmentation.domain import deletion
from segmentation.jobs import leases, queue
from segmentation.jobs.batch_size import BatchSize
from segmentation.jobs.leases import Kind, Lease, Step
from segmentation.reports import month_rows, storage
from segmentation.reports.month_progress import Progress
from segmentation.reports.month_rows import Batch, Place
from segmentation.reports.months import Month
from segmentation.reports.requested_month import requested_month
from segmentation.reports.upload_part import Part
from segmentation.reports.user_report import COLUMNS
from segmentation.runtime import metrics

MONTH_REPORT = "month_report"

BATCH_ROWS = 50_000
"""Rows that a statement reads. Their text fits in the server's work_mem, and the statement stays short."""

PART_BYTES = 8 * 1024 * 1024
"""The minimum size of a part. S3 accepts at most 10 000 parts, and only the last one may be under 5 MiB."""

SAVE_SECONDS = 10
"""The longest time between two saves of the progress. Each save renews the lease (leases.LEASE_SECONDS)."""


def create_for_all(connection: Connection, wanted: NewReport, *, actor: str) -> JobRef:
    """Create the job that reports a month of all users. Raises RequestInvalid for a month in the future."""
    requested_month(connection, wanted.year, wanted.month, location="body")
    # without defaults: the previous release refuses members that it does not know
    parameters = wanted.model_dump(mode="json", exclude_defaults=True)
    job_id = leases.create(connection, MONTH_REPORT, parameters, actor=actor)
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
    scope = month_rows.fix_scope(connection, month, until)
    file_name = storage.new_file_name(_subject(report), month, report.format)
    progress = Progress(file_name, scope, Place(month.begins_at), _estimate_rows(connection, report))
    yield _step(progress)
    return progress


def _subject(report: NewReport) -> str:
    return storage.subject_of_segment(report.slug) if report.slug else "all-users"


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
               and (operations.action_id <= 2 or %s::boolean) and (%s::text is null or operations.slug = %s::text)
            """,
            (month.begins_at, month.ends_at, report.columns == "extended", report.slug, report.slug),
            prepare=False,
        ).fetchall()
    return int(plan[0]["Plan"]["Plan Rows"])


def _store_parts(connection: Connection, report: NewReport, progress: Progress) -> Iterator[Progress]:
    """Upload part after part. There is always a part, and the last may be small.

    A part can take long to fill, for example if most rows of the month belong to other segments. Then its beginning is
    saved with the job.
    """
    if progress.has_ended:
        return
    part, size, saved_at = _next_part(report, progress), BatchSize(BATCH_ROWS), time.monotonic()
    is_last = False

    def take(rows: int) -> None:
        nonlocal progress, is_last
        for batch in month_rows.read(connection, report, progress.scope, progress.place, rows):
            part.add(batch.text.encode())
            progress, is_last = _after(progress, batch), batch.is_last

    while not is_last:
        size.fit(take)
        if is_last and (part.size or not progress.tags or progress.is_compressed):
            yield replace(_store_part(progress, part, part.last_body()), has_ended=True)
        elif part.size >= PART_BYTES:
            progress = _store_part(progress, part, part.body())
            yield progress
            part, saved_at = _next_part(report, progress), time.monotonic()
        elif time.monotonic() - saved_at >= SAVE_SECONDS:
            progress = replace(progress, kept=part.saved(), checksum=part.checksum)
            yield progress
            saved_at = time.monotonic()


def _next_part(report: NewReport, progress: Progress) -> Part:
    """Return the part to fill. The first one begins with the header."""
    part = Part(progress.is_compressed, progress.kept, progress.checksum)
    if not (progress.tags or progress.kept):
        part.add((report.delimiter.join(COLUMNS[report.columns]) + "\r\n").encode())
    return part


def _after(progress: Progress, batch: Batch) -> Progress:
    return replace(progress, rows=progress.rows + batch.lines, place=batch.place)


def _store_part(progress: Progress, part: Part, body: bytes) -> Progress:
    number = len(progress.tags) + 1
    tag = storage.upload_part(progress.file_name, progress.upload_id, number, body)
    return replace(progress, tags=(*progress.tags, tag), kept="", checksum=part.checksum)


def _step(progress: Progress) -> Step:
    return Step(progress.rows, progress.total, progress.saved())


KIND = Kind(MONTH_REPORT, run, clean_up)
