"""A file that a job stores part by part, as an upload to S3 that becomes visible when it is complete.

The rows come from statements that each read a batch after a place. The progress that is saved with the job has the
stored parts and the place after them. So the next worker continues there, and loses at most one part.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, Self, TypeVar

from segmentation.contract.responses import Job
from segmentation.jobs.batch_size import BatchSize
from segmentation.jobs.leases import Step
from segmentation.reports import storage
from segmentation.reports.upload_part import EMPTY, Checksum, Part
from segmentation.runtime import metrics

BATCH_ROWS = 50_000
"""The most rows that a statement reads. Their text fits in the server's work_mem, and the statement stays short."""

PART_BYTES = 8 * 1024 * 1024
"""The minimum size of a part. S3 accepts at most 10 000 parts, and only the last one may be under 5 MiB."""

SAVE_SECONDS = 10
"""The longest time between two saves of the progress. Each save renews the lease (leases.LEASE_SECONDS)."""

Place = TypeVar("Place")
Progress = TypeVar("Progress")
RowsProgress = TypeVar("RowsProgress", bound="FileProgress[Any]")
Steps = Generator[Step, None, Progress]


@dataclass(frozen=True)
class Sizes:
    """The most rows that a statement reads, the minimum size of a part, and the longest time between two saves."""

    batch_rows: int = BATCH_ROWS
    part_bytes: int = PART_BYTES
    save_seconds: float = SAVE_SECONDS


@dataclass(frozen=True)
class Batch(Generic[Place]):
    """The lines of a batch and their number, the place of its last row, and whether the file ends there."""

    text: str
    lines: int
    place: Place
    is_last: bool


Read = Callable[[Place, int], Iterator[Batch[Place]]]
"""Yields the batches of one statement after a place. They have about as many rows as the limit."""


@dataclass(frozen=True)
class StoredFile(Generic[Place]):
    """The stored parts, and the place in the source after them.

    The file name is saved before the upload begins, so an upload whose id was not saved is found by the name. A file
    has ended when its last part is stored.
    """

    file_name: str
    place: Place
    upload_id: str = ""
    tags: tuple[str, ...] = ()
    kept: str = ""
    """The beginning of the next part, in base64."""

    rows: int = 0
    checksum: Checksum = EMPTY
    """The checksum of the text so far."""

    has_ended: bool = False

    @property
    def is_compressed(self) -> bool:
        """Return whether the file is compressed."""
        return self.file_name.endswith(".gz")

    def saved(self) -> dict[str, Any]:
        """Return the members to save with the job."""
        return asdict(self)

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> Self:
        """Return a saved file. Its place must be a number or a text."""
        return cls(**saved | {"tags": tuple(saved["tags"]), "checksum": Checksum(**saved["checksum"])})


@dataclass(frozen=True)
class FileProgress(ABC, Generic[Place]):
    """The file so far, and the number of its rows, which is an estimate until the end."""

    file: StoredFile[Place]
    total: int

    @abstractmethod
    def saved(self) -> dict[str, Any]:
        """Return the members to save with the job."""

    def step(self) -> Step:
        """Return what is saved with the job."""
        return Step(self.file.rows, self.total, self.saved())


def store(
    saved: dict[str, Any],
    restore: Callable[[dict[str, Any]], Progress],
    begin: Callable[[], Steps[Progress]],
    write: Callable[[Progress], Steps[dict[str, Any]]],
) -> Steps[dict[str, Any]]:
    """Continue a job from its saved progress, or begin it. Return the result of the write.

    The job begins again if S3 has lost the upload: the bucket aborts uploads after a day, and a failed job its own.
    """
    try:
        progress = restore(saved) if saved else (yield from begin())
        return (yield from write(progress))
    except storage.UploadGone:
        clean_up(saved)  # an upload of an older version still exists
        return (yield from write((yield from begin())))


def clean_up(saved: dict[str, Any]) -> None:
    """Abort the uploads of a failed job, so that no unfinished file remains."""
    if saved:
        storage.abort_uploads(saved["file_name"])


def write(file: StoredFile[Place], header: str, read: Read[Place], sizes: Sizes) -> Iterator[StoredFile[Place]]:
    """Store the rest of a file, and yield the file whenever it has to be saved.

    Raises storage.UploadGone if the file has to begin again, and StorageUnavailable.
    """
    if not file.upload_id:
        file = replace(file, upload_id=storage.begin_upload(file.file_name))
        yield file
    if not file.has_ended:
        yield from _store_parts(file, header, read, sizes)


def write_rows(progress: RowsProgress, header: str, read: Read[Any], sizes: Sizes) -> Steps[RowsProgress]:
    """Store the rest of a file and make it visible. Return the progress, whose total is then exact.

    Raises storage.UploadGone if the file has to begin again, and StorageUnavailable.
    """
    for file in write(progress.file, header, read, sizes):
        progress = replace(progress, file=file)
        yield progress.step()
    rows = progress.file.rows
    if progress.total != rows:
        progress = replace(progress, total=rows)
        yield progress.step()
    complete(progress.file)
    metrics.count("ReportRows", rows)
    return progress


def complete(file: StoredFile[Place]) -> None:
    """Combine the parts, and abort other uploads under this name. Raises storage.UploadGone and StorageUnavailable."""
    storage.abort_uploads(file.file_name, keep=file.upload_id)
    storage.complete_upload(file.file_name, file.upload_id, list(file.tags))


def with_link(job: Job, kind: str) -> Job:
    """Return a job as its client sees it. The result of this kind of job gets a link that is signed now."""
    if job.kind != kind or not job.result:
        return job
    link = storage.link(job.result["file_name"])
    others = {name: value for name, value in job.result.items() if name != "file_name"}
    return job.model_copy(update={"result": {"report_link": link.url, "expires_at": link.expires_at, **others}})


def _store_parts(file: StoredFile[Place], header: str, read: Read[Place], sizes: Sizes) -> Iterator[StoredFile[Place]]:
    """Store part after part. There is always a part, and the last may be small.

    A part can take long to fill, for example if the statements find few of the rows that they read. Then its beginning
    is saved with the job.
    """
    part, size, saved_at = _next_part(file, header), BatchSize(sizes.batch_rows), time.monotonic()
    is_last = False

    def take(rows: int) -> None:
        nonlocal file, is_last
        for batch in read(file.place, rows):
            part.add(batch.text.encode())
            file, is_last = replace(file, rows=file.rows + batch.lines, place=batch.place), batch.is_last

    while not is_last:
        size.fit(take)
        if is_last and (part.size or not file.tags or file.is_compressed):
            yield replace(_store_part(file, part, part.last_body()), has_ended=True)
        elif part.size >= sizes.part_bytes:
            file = _store_part(file, part, part.body())
            yield file
            part, saved_at = _next_part(file, header), time.monotonic()
        elif time.monotonic() - saved_at >= sizes.save_seconds:
            file = replace(file, kept=part.saved(), checksum=part.checksum)
            yield file
            saved_at = time.monotonic()


def _next_part(file: StoredFile[Place], header: str) -> Part:
    """Return the part to fill. The first one begins with the header."""
    part = Part(file.is_compressed, file.kept, file.checksum)
    if not (file.tags or file.kept):
        part.add(header.encode())
    return part


def _store_part(file: StoredFile[Place], part: Part, body: bytes) -> StoredFile[Place]:
    tag = storage.upload_part(file.file_name, file.upload_id, len(file.tags) + 1, body)
    return replace(file, tags=(*file.tags, tag), kept="", checksum=part.checksum)
