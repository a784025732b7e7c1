"""The kind of job that exports the members of a segment, as of one instant.

The instant is fixed when the job begins: now, or the one that the order names. Every statement reads the members at
that instant (member_rows). So writers can change the segment meanwhile, and another worker can continue the file
(stored_file).
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from psycopg import Connection
from psycopg.rows import scalar_row

from segmentation.contract.problems import RequestInvalid
from segmentation.contract.requests import NewExport
from segmentation.contract.responses import Job, JobRef
from segmentation.database import clock, watermark
from segmentation.domain import live_segment
from segmentation.jobs import leases, queue
from segmentation.jobs.leases import JobRejected, Kind, Lease, Step
from segmentation.reports import member_rows, storage, stored_file
from segmentation.reports.member_rows import Scope
from segmentation.reports.stored_file import Batch, FileProgress, Sizes, StoredFile

SEGMENT_EXPORT = "segment_export"

SIZES = Sizes()


@dataclass(frozen=True)
class _Order:
    """The segment to export, under the slug that it had when the export was ordered, and the form of the file."""

    segment_id: int
    slug: str
    wanted: NewExport

    @classmethod
    def of(cls, parameters: dict[str, Any]) -> "_Order":
        return cls(parameters["segment_id"], parameters["slug"], NewExport.model_validate(parameters["wanted"]))


@dataclass(frozen=True)
class _Progress(FileProgress[int]):
    """The file so far, whose place is the last user, and its instant."""

    at: datetime

    def saved(self) -> dict[str, Any]:
        return self.file.saved() | {"at": self.at.isoformat(), "total": self.total}

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> "_Progress":
        file = {name: value for name, value in saved.items() if name not in ("at", "total")}
        return cls(StoredFile[int].restored(file), saved["total"], datetime.fromisoformat(saved["at"]))


def create(connection: Connection, slug: str, wanted: NewExport, *, actor: str) -> JobRef:
    """Create the job that exports a segment. Raises SegmentUnknown, and RequestInvalid for an instant in the future."""
    _require_past(connection, wanted.at)
    parameters = {
        "segment_id": live_segment.find(connection, slug),
        "slug": slug,
        "wanted": wanted.model_dump(mode="json", exclude_defaults=True),
    }
    job_id = leases.create(connection, SEGMENT_EXPORT, parameters, actor=actor)
    queue.request_worker(job_id)
    return JobRef(job_id=job_id)


def run(connection: Connection, lease: Lease) -> Generator[Step, None, dict[str, Any]]:
    """Store the file part by part. Return its name, its instant and its number of rows.

    Raises JobRejected if the segment was deleted.
    """
    order = _Order.of(lease.parameters)
    begin, write = partial(_begin, connection, order), partial(_write_file, connection, order)
    return stored_file.store(lease.progress, _Progress.restored, begin, write)


def with_link(job: Job) -> Job:
    """Return a job as its client sees it. The result of an export gets a link that is signed now."""
    return stored_file.with_link(job, SEGMENT_EXPORT)


def _require_past(connection: Connection, at: datetime | None) -> None:
    """Raise RequestInvalid for an instant that is in the future by the database's clock."""
    if at and at > clock.now(connection):
        raise RequestInvalid(("body.at", "must not be in the future"))


def _begin(connection: Connection, order: _Order) -> Generator[Step, None, _Progress]:
    """Fix the instant of the export, once all rows that are dated before it are committed."""
    _require_segment(connection, order)
    at = watermark.settled_instant(connection, order.wanted.at or watermark.END_OF_TIME).astimezone(UTC)
    name = storage.new_file_name(storage.subject_of_segment(order.slug), at.date(), order.wanted.format)
    progress = _Progress(StoredFile(name, 0), _estimate_rows(connection, order), at)
    yield progress.step()
    return progress


def _write_file(connection: Connection, order: _Order, progress: _Progress) -> Generator[Step, None, dict[str, Any]]:
    """Continue the file from its progress. Raises UploadGone if the file has to start again."""
    scope = Scope(order.segment_id, progress.at, order.wanted.delimiter)
    header = order.wanted.delimiter.join(member_rows.COLUMNS) + "\r\n"
    read = partial(_read, connection, order, scope)
    progress = yield from stored_file.write_rows(progress, header, read, SIZES)
    return {"file_name": progress.file.file_name, "at": _as_text(progress.at), "rows": progress.total}


def _as_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read(connection: Connection, order: _Order, scope: Scope, after: int, limit: int) -> Iterator[Batch[int]]:
    _require_segment(connection, order)
    return member_rows.read(connection, scope, after, limit)


def _require_segment(connection: Connection, order: _Order) -> None:
    """Raise JobRejected if the segment was deleted."""
    live = connection.execute(
        "select from segments where segments.segment_id = %s::integer and segments.deleted_at is null",
        (order.segment_id,),
    )
    if not live.rowcount:
        raise JobRejected(f"The segment {order.slug} was deleted before the export was complete.")


def _estimate_rows(connection: Connection, order: _Order) -> int:
    """Return the planner's estimate of the number of members. An exact count would slow the export down."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [plan] = cursor.execute(
            "explain (format json) select from memberships where memberships.segment_id = %s::integer",
            (order.segment_id,),
            prepare=False,
        ).fetchall()
    return int(plan[0]["Plan"]["Plan Rows"])


KIND = Kind(SEGMENT_EXPORT, run, stored_file.clean_up)
