"""The kind of job that reports a month of all users.

The job reads the month in order of time, some ten thousand rows per statement (month_rows). Each statement starts
after the last row of the previous one. So memory holds only one part of the file, and no transaction is long. An
interrupted worker loses at most one part (stored_file).
"""

from collections.abc import Generator
from functools import partial
from typing import Any

from psycopg import Connection
from psycopg.rows import scalar_row

from segmentation.contract.requests import NewReport
from segmentation.contract.responses import Job, JobRef
from segmentation.database import watermark
from segmentation.domain import deletion
from segmentation.jobs import leases, queue
from segmentation.jobs.leases import Kind, Lease, Step
from segmentation.reports import month_rows, storage, stored_file
from segmentation.reports.month_progress import Progress
from segmentation.reports.month_rows import Place
from segmentation.reports.months import Month
from segmentation.reports.requested_month import requested_month
from segmentation.reports.stored_file import Sizes, StoredFile
from segmentation.reports.user_report import COLUMNS

MONTH_REPORT = "month_report"

SIZES = Sizes()


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
    begin = partial(_begin, connection, report)
    return stored_file.store(lease.progress, Progress.restored, begin, partial(_write_file, connection, report))


def with_link(job: Job) -> Job:
    """Return a job as its client sees it. The result of a month report gets a link that is signed now."""
    return stored_file.with_link(job, MONTH_REPORT)


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
    file = StoredFile(storage.new_file_name(_subject(report), month, report.format), Place(month.begins_at))
    progress = Progress(file, _estimate_rows(connection, report), scope)
    yield progress.step()
    return progress


def _subject(report: NewReport) -> str:
    return storage.subject_of_segment(report.slug) if report.slug else "all-users"


def _write_file(connection: Connection, report: NewReport, progress: Progress) -> Generator[Step, None, dict[str, Any]]:
    """Continue the file from its progress. Raises UploadGone if the file has to start again."""
    header = report.delimiter.join(COLUMNS[report.columns]) + "\r\n"
    read = partial(month_rows.read, connection, report, progress.scope)
    progress = yield from stored_file.write_rows(progress, header, read, SIZES)
    return {"file_name": progress.file.file_name, "rows": progress.total}


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


KIND = Kind(MONTH_REPORT, run, stored_file.clean_up)
