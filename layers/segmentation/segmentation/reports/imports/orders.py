"""Order an import, start it after the upload, and clean up after imports that have ended or never started."""

from dataclasses import asdict
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row, scalar_row

from segmentation.access.permissions import Caller
from segmentation.contract.problems import (
    ImportUnknown,
    NothingUploaded,
    SegmentHasPercent,
    SegmentUnknown,
    UploadTooLarge,
)
from segmentation.contract.requests import NewImport
from segmentation.contract.responses import ImportCreated, Job, JobRef
from segmentation.jobs import leases, queue
from segmentation.reports import storage
from segmentation.reports.imports import upload

IMPORT = "import"
"""The kind of the jobs."""

VERDICTS = ("added", "already", "removed", "absent", "duplicate", "invalid")

CLEAN_UP_MOST = 20
"""The most partitions that one run of the schedule drops. Each drop waits for the other imports."""


def create(connection: Connection, new: NewImport, *, actor: str) -> ImportCreated:
    """Create an import, and sign the link for its file. Nothing changes before the import is started.

    Raises SegmentUnknown, SegmentHasPercent, or RequestInvalid if the lifetime is over.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        segment = cursor.execute(
            """
            select segments.segment_id, segments.user_percent, end_of_lifetime(clock_now(), null, %s::timestamptz)
              from segments
             where segments.slug = %s::text and segments.deleted_at is null
            """,
            (new.expires_at, new.slug),
        ).fetchone()
        if segment is None:
            raise SegmentUnknown([new.slug])
        if new.mode == "replace" and segment["user_percent"] is not None:
            raise SegmentHasPercent(has_percent(new.slug), slugs=[new.slug])
        members = new.model_dump(exclude={"slug"}) | {"segment_id": segment["segment_id"], "actor": actor}
        [row] = cursor.execute(
            """
            insert into imports (segment_id, mode, ttl, expires_at, dry_run, max_deletions, actor, comment)
            values (%(segment_id)s::integer, %(mode)s::text, %(ttl)s::integer, %(expires_at)s::timestamptz,
                    %(dry_run)s::boolean, %(max_deletions)s::bigint, %(actor)s::text, %(comment)s::text)
         returning import_id
            """,
            members,
        ).fetchall()
    link = upload.link(row["import_id"])
    return ImportCreated(import_id=row["import_id"], upload_link=link.url, expires_at=link.expires_at)


def has_percent(slug: str) -> str:
    """Return why an import cannot replace the members of a segment."""
    return f"The segment {slug} has a percent, which decides about its members. Set user_percent to null first."


def start(connection: Connection, import_id: UUID, *, caller: Caller) -> JobRef:
    """Start the job of an import, once: a later call returns the same job.

    Raises ImportUnknown, also for the import of another account, NothingUploaded, UploadTooLarge, StorageUnavailable.
    """
    job_id = _find_job(connection, import_id, caller)
    if job_id is None:
        file = _uploaded(import_id)
        with connection.transaction():
            job_id = _find_job(connection, import_id, caller, locks=True)
            if job_id is None:
                job_id = _create_job(connection, import_id, file, actor=caller.subject)
                queue.request_worker(job_id)
    return JobRef(job_id=job_id)


def _find_job(connection: Connection, import_id: UUID, caller: Caller, *, locks: bool = False) -> UUID | None:
    """Return the job of an import, or None if it is not started. Raises ImportUnknown."""
    query: LiteralString = "select imports.job_id, imports.actor from imports where imports.import_id = %s::uuid"
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(f"{query} for update" if locks else query, (import_id,)).fetchone()
    # an id of another account's import is unknown to the caller
    if row is None or not _may_see(caller, row["actor"]):
        raise ImportUnknown(f"There is no import {import_id}.")
    job_id: UUID | None = row["job_id"]
    return job_id


def _uploaded(import_id: UUID) -> upload.Upload:
    file = upload.find(import_id)
    if file is None:
        raise NothingUploaded("Upload the file to the upload_link of the import first.")
    if file.size > upload.MAX_BYTES:
        raise UploadTooLarge(f"The file has {file.size} bytes. At most {upload.MAX_BYTES} are possible.")
    return file


def _create_job(connection: Connection, import_id: UUID, file: upload.Upload, *, actor: str) -> UUID:
    parameters: dict[str, Any] = {"import_id": str(import_id), "upload": asdict(file)}
    # the job keeps the comment of this transaction
    connection.execute(
        "select with_comment(imports.actor, imports.comment) from imports where imports.import_id = %s::uuid",
        (import_id,),
    )
    job_id = leases.create(connection, IMPORT, parameters, actor=actor)
    connection.execute("update imports set job_id = %s::uuid where imports.import_id = %s::uuid", (job_id, import_id))
    return job_id


def with_link(job: Job, *, caller: Caller) -> Job:
    """Return the job of an import as its client sees it. Its creator and admins get a link that is signed now.

    The members have the order of the contract. The database keeps another one.
    """
    if job.kind != IMPORT or not job.result:
        return job
    found = job.result
    link = storage.link(found["file_name"]) if _may_see(caller, found["actor"]) else None
    result = {
        "lines": found["lines"],
        "verdicts": {name: found["verdicts"][name] for name in VERDICTS},
        "users_added": found["users_added"],
        "users_deleted": found["users_deleted"],
        "verdicts_link": link and link.url,
        "expires_at": link and link.expires_at,
        "dry_run": found["dry_run"],
    }
    return job.model_copy(update={"result": result})


def _may_see(caller: Caller, creator: str) -> bool:
    return caller.role == "admin" or caller.subject == creator


def clean_up(connection: Connection) -> None:
    """Delete the imports that were not started within a day, and the lines of jobs that have ended.

    The lines of a job that failed stay for a day, because an operator can restart it.
    """
    connection.execute(
        "delete from imports where imports.job_id is null and imports.created_at < now() - interval '1 day'"
    )
    with connection.cursor(row_factory=scalar_row) as cursor:
        numbers = cursor.execute(
            """
            select substr(pg_class.relname, 14)::integer
              from pg_inherits
              join pg_class on pg_class.oid = pg_inherits.inhrelid
             where pg_inherits.inhparent = 'import_lines'::regclass
               and not exists (
                   select from imports
                     join jobs on jobs.job_id = imports.job_id
                    where 'import_lines_' || imports.import_number = pg_class.relname
                      and (jobs.finished_at is null
                           or jobs.status = 'failed' and jobs.finished_at > now() - interval '1 day'))
             limit %s::integer
            """,
            (CLEAN_UP_MOST,),
        ).fetchall()
    for number in numbers:
        connection.execute("select drop_import_lines(%s::integer)", (number,))
