"""The file with the verdict of each line, in the order of the file that was imported."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from segmentation.database.index_order import index_order
from segmentation.jobs.leases import Step
from segmentation.reports import storage, stored_file
from segmentation.reports.imports.applying import Import
from segmentation.reports.imports.progress import Progress
from segmentation.reports.stored_file import Batch, Sizes, Steps, StoredFile

SIZES = Sizes()

HEADER = "line,user_id,verdict,detail\r\n"

# A line without a stored verdict was applied if it is not after the place where the import stopped. Other lines have no
# verdict (null) and are left out. "given" is already a CSV cell, and no detail contains a comma or a quotation mark.
_LINES = sql.SQL("""
select count(*)::integer as read, max(judged.line) as line,
       coalesce(string_agg(
           judged.line || ',' || coalesce(judged.given, judged.user_id::text) || ',' || judged.verdict || ','
           || case when judged.verdict = 'duplicate'
                   then 'line ' || (select min(first.line)
                                      from import_lines first
                                     where first.import_number = %(import)s::integer and first.given is null
                                       and first.user_id = judged.user_id)
                   else coalesce(judged.detail, '') end,
           E'\\r\\n') || E'\\r\\n', '') as text
  from (select import_lines.line, import_lines.given, import_lines.user_id, import_lines.detail,
               case when import_lines.verdict is not null then import_lines.verdict
                    when import_lines.given is not null then 'invalid'
                    when (import_lines.user_id, import_lines.line) <= (%(last_user)s::bigint, %(last_line)s::bigint)
                    then %(usual)s::text end as verdict
          from import_lines
         where import_lines.import_number = %(import)s::integer and import_lines.line > %(after)s::bigint
         order by import_lines.line
         limit %(limit)s::integer) judged
""")


@dataclass(frozen=True)
class _Row:
    read: int
    line: int | None
    text: str


def write(connection: Connection, wanted: Import, progress: Progress) -> Generator[Step, None, Progress]:
    """Write the file, part by part. The progress is then at the end of the import."""
    restore = StoredFile[int].restored
    begin, write_file = partial(_begin, wanted, progress), partial(_write_file, connection, wanted, progress)
    written = yield from stored_file.store(progress.file or {}, restore, begin, write_file)
    return replace(progress, phase="end", file=written)


def clean_up(progress: dict[str, Any]) -> None:
    """Abort the upload of a failed job, so that no unfinished file remains."""
    stored_file.clean_up(progress.get("file") or {})


def _begin(wanted: Import, progress: Progress) -> Steps[StoredFile[int]]:
    name = storage.new_file_name(f"import-{wanted.slug}", datetime.now(UTC).date(), "csv.gz")
    file = StoredFile(name, 0)
    yield replace(progress, file=file.saved()).step()
    return file


def _write_file(
    connection: Connection, wanted: Import, progress: Progress, file: StoredFile[int]
) -> Steps[dict[str, Any]]:
    for stored in stored_file.write(file, HEADER, partial(_read, connection, wanted, progress), SIZES):
        file = stored
        yield replace(progress, file=file.saved()).step()
    stored_file.complete(file)
    return {"file_name": file.file_name}


def _read(connection: Connection, wanted: Import, progress: Progress, after: int, limit: int) -> Iterator[Batch[int]]:
    """Yield the one batch of the lines after a line."""
    members = {
        "import": wanted.import_number,
        "last_user": progress.after_user,
        "last_line": progress.after_line,
        "usual": "removed" if wanted.mode == "remove" else "added",
        "after": after,
        "limit": limit,
    }
    with index_order(connection), connection.cursor(row_factory=class_row(_Row)) as cursor:
        [row] = cursor.execute(_LINES, members).fetchall()
    yield Batch(row.text, row.read, row.line or after, is_last=row.read < limit)
