"""The kind of job that carries out an import.

The job loads the lines of the file into a partition, and applies them in order of user id. Then it writes the file with
the verdicts, in order of line. Each step saves its work and its progress in one transaction. So the next worker
continues where a killed one stopped, and each line is applied once.
"""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection, errors
from psycopg.rows import scalar_row

from segmentation.database import clock, transactions
from segmentation.jobs import leases
from segmentation.jobs.batch_size import BatchSize
from segmentation.jobs.leases import JobRejected, Kind, Lease, Step
from segmentation.reports.imports import applying, loading, orders, verdicts
from segmentation.reports.imports.applying import Import
from segmentation.reports.imports.lines import FileUnreadable
from segmentation.reports.imports.progress import Progress
from segmentation.reports.imports.upload import Upload, UploadChanged

LOCK_RETRY_SECONDS = 60
"""How long other sessions may lock the segment before this try of the job fails."""

Steps = Generator[Step, None, Progress]
Batch = Callable[[Connection, Import, Progress, int], Progress]


def run(connection: Connection, lease: Lease) -> Generator[Step, None, dict[str, Any]]:
    """Continue the import from its progress. Raises JobRejected if its file or its segment makes success impossible."""
    wanted = applying.get(connection, UUID(lease.parameters["import_id"]))
    progress = Progress.restored(lease.progress)
    try:
        for step in _work(connection, lease, wanted, progress):
            progress = Progress.restored(step.progress)
            yield step
    except JobRejected as rejected:
        progress = replace(progress, phase="end", failure=rejected.reason)
        yield progress.step()
    connection.execute("select drop_import_lines(%s::integer)", (wanted.import_number,))
    result = _result(wanted, progress) if progress.file else None
    if result is None or progress.failure:
        raise JobRejected(progress.failure, result)
    return result


def _work(connection: Connection, lease: Lease, wanted: Import, progress: Progress) -> Iterator[Step]:
    """Do what is left, and save the end before the lines are dropped."""
    if progress.phase == "end":
        return
    _require_lines(connection, wanted, progress)
    progress = yield from _load(connection, lease, wanted, progress)
    progress = yield from _count(connection, wanted, progress)
    progress = yield from _change(connection, lease, wanted, progress)
    progress = yield from verdicts.write(connection, wanted, progress)
    yield progress.step()


def _require_lines(connection: Connection, wanted: Import, progress: Progress) -> None:
    """Create the partition of the lines. A job that has loaded lines and lost them cannot continue."""
    if progress.place is None:
        connection.execute("select create_import_lines(%s::integer)", (wanted.import_number,))
        return
    with connection.cursor(row_factory=scalar_row) as cursor:
        [exists] = cursor.execute(
            "select to_regclass('import_lines_' || %s::integer) is not null", (wanted.import_number,)
        ).fetchall()
    if not exists:
        raise JobRejected("The import was interrupted for too long, and its lines are deleted. Begin a new import.")


def _load(connection: Connection, lease: Lease, wanted: Import, progress: Progress) -> Steps:
    """Load the rest of the file. Raises JobRejected if it cannot be read."""
    if progress.phase != "load":
        return progress
    if failure := applying.obstacle(connection, wanted):
        raise JobRejected(failure)
    try:
        for loaded in _load_chunks(connection, lease, wanted, progress):
            progress = loaded
            yield progress.step()
    except (FileUnreadable, UploadChanged) as error:
        raise JobRejected(str(error)) from error
    return progress


def _load_chunks(
    connection: Connection, lease: Lease, wanted: Import, progress: Progress
) -> Generator[Progress, None, None]:
    upload = Upload(**lease.parameters["upload"])
    place = progress.place or loading.begin(upload)
    for chunk in loading.read_chunks(upload, place, clock.now(connection)):
        progress = replace(
            progress,
            place=chunk.place,
            lines=progress.lines + len(chunk.rows),
            invalid=progress.invalid + chunk.invalid,
        )
        loading.require_few(progress.lines)
        if chunk.is_last:
            progress = _loaded(connection, wanted, progress)
        with connection.transaction():
            leases.save(connection, lease, progress.step())
            loading.store(connection, wanted.import_number, chunk)
        yield progress


def _loaded(connection: Connection, wanted: Import, progress: Progress) -> Progress:
    """Return the progress after the last chunk. Raises JobRejected for a replacement by nothing."""
    if wanted.mode != "replace":
        return replace(progress, phase="apply")
    if progress.lines == progress.invalid:
        raise JobRejected("The file has no valid line, so the import would remove all members. Nothing has changed.")
    return applying.begin_count(connection, progress)


def _count(connection: Connection, wanted: Import, progress: Progress) -> Steps:
    """Count the members that a replacement would remove. Raises JobRejected if they are too many."""
    while progress.phase == "count":
        progress = applying.count_batch(connection, wanted, progress)
        yield progress.step()
    return progress


def _change(connection: Connection, lease: Lease, wanted: Import, progress: Progress) -> Steps:
    """Apply the lines, and remove the members whom no line names."""
    batches: dict[str, tuple[Batch, BatchSize]] = {
        "apply": (applying.apply_batch, BatchSize(applying.BATCH_LINES)),
        "remove": (applying.remove_batch, BatchSize(applying.BATCH_MEMBERS)),
    }
    last_batch_at = time.monotonic()
    while progress.phase in batches:
        batch, size = batches[progress.phase]
        run_batch = partial(_run_batch, connection, lease, wanted, progress, batch)
        try:
            after = size.fit(lambda most: transactions.retry_aborted(partial(run_batch, most)))  # noqa: B023 -- called at once
        except errors.LockNotAvailable:
            if time.monotonic() - last_batch_at > LOCK_RETRY_SECONDS:
                raise
            yield replace(progress.step(), advanced=False)
            continue
        last_batch_at = time.monotonic()
        if not wanted.dry_run:
            applying.count_metrics(progress, after)
        progress = after
        yield progress.step()
    return progress


def _run_batch(
    connection: Connection, lease: Lease, wanted: Import, progress: Progress, batch: Batch, most: int
) -> Progress:
    """Run a batch and save the progress in one transaction, so a worker that is killed leaves both or neither."""
    with connection.transaction():
        failure = applying.lock_segment(connection, wanted)
        progress = applying.stop(progress, failure) if failure else batch(connection, wanted, progress, most)
        leases.save(connection, lease, progress.step())
    return progress


def _result(wanted: Import, progress: Progress) -> dict[str, Any]:
    return {
        "lines": progress.lines,
        "verdicts": progress.verdicts(),
        "users_added": progress.added,
        "users_deleted": progress.removed + progress.unnamed_removed,
        "file_name": progress.file_name,
        "dry_run": wanted.dry_run,
        "actor": wanted.actor,
    }


KIND = Kind(orders.IMPORT, run, verdicts.clean_up)
