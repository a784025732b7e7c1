"""Load the lines of a file into their partition, chunk by chunk.

A chunk is judged in memory and then stored in one statement. So no slow answer of S3 keeps a transaction open.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection, sql

from segmentation.reports.imports import judgement, layout
from segmentation.reports.imports.judgement import judge
from segmentation.reports.imports.layout import BLANKS, Layout
from segmentation.reports.imports.lines import FileUnreadable, Lines
from segmentation.reports.imports.upload import MAX_BYTES, Upload

CHUNK_LINES = 20_000
CHUNK_BYTES = 4 * 1024**2
"""A chunk ends when it has this number of lines, blank ones not counted, or this number of bytes."""

MAX_LINES = MAX_BYTES // 2
"""The most lines of a file that are not blank: an unpacked file of the greatest size has no more lines with an id."""

_END = "\n"
"""A line after the last one. A record that contains it began with a quotation mark that is never closed."""

Row = tuple[Any, ...]
"""The number of a line, and the columns of its judgement."""

_NO_LIFETIME = (None, None, None, None)
"""The other columns of a line that has only a valid id."""

_COPY = sql.SQL("copy {} (line, user_id, ttl, expires_at, given, detail) from stdin with (format csv)")


@dataclass(frozen=True)
class Place:
    """Where the next chunk begins: an offset in the unpacked text, and the number of lines before it."""

    layout: Layout
    offset: int = 0
    number: int = 0


@dataclass(frozen=True)
class Chunk:
    """Some judged lines, the place after them, and whether the file ends there."""

    rows: list[Row]
    place: Place
    is_last: bool

    @property
    def invalid(self) -> int:
        """Return the number of invalid lines."""
        return sum(row[-1] is not None for row in self.rows)


class _Records:
    """The records of a file: the number of the first line of each, and its cells.

    The cells are None for a line with a lone carriage return, which is not CSV. Blank lines are left out.
    """

    def __init__(self, lines: Lines, delimiter: str) -> None:
        self._lines, self.has_ended = lines, False
        self._reader = layout.read(self._with_end(), delimiter)

    def _with_end(self) -> Iterator[str]:
        yield from self._lines
        self.has_ended = True
        yield _END

    def read(self) -> tuple[int, list[str] | None] | None:
        """Return the next record, or None for a blank line or at the end."""
        lines = self._lines
        lines.begin_record()
        try:
            cells = next(self._reader)
        except csv.Error:
            return lines.first, None
        if self.has_ended and cells:
            raise FileUnreadable(f"Line {lines.first} has a quotation mark without a partner.")
        is_blank = not cells or not (lines.text.strip(BLANKS) or any(cell.strip(BLANKS) for cell in cells))
        return None if is_blank else (lines.first, cells)


def require_few(lines: int) -> None:
    """Raise FileUnreadable for more lines than an import may have."""
    if lines > MAX_LINES:
        raise FileUnreadable(f"The file has more than {MAX_LINES} lines that are not blank.")


def begin(upload: Upload) -> Place:
    """Return the place after the header, if there is one. Raises FileUnreadable, UploadChanged."""
    lines = Lines(upload)
    found = layout.find(lines)
    return Place(found, lines.offset, lines.number) if found.has_header else Place(found)


def read_chunks(upload: Upload, place: Place, now: datetime) -> Iterator[Chunk]:
    """Yield the chunks of a file from a place on. There is always one. Raises FileUnreadable, UploadChanged."""
    lines = Lines(upload, place.offset, place.number)
    records = _Records(lines, place.layout.delimiter)
    while not records.has_ended:
        rows = _read_rows(records, lines, place.layout, now)
        yield Chunk(rows, Place(place.layout, lines.offset, lines.number), records.has_ended)


def _read_rows(records: _Records, lines: Lines, of: Layout, now: datetime) -> list[Row]:
    rows: list[Row] = []
    last_byte = lines.offset + CHUNK_BYTES
    while not records.has_ended and len(rows) < CHUNK_LINES and lines.offset < last_byte:
        lines.skip_blanks()
        if of.columns == 1:
            first = lines.number + 1
            rows += [
                (line, user_id, *_NO_LIFETIME)
                for line, user_id in enumerate(lines.plain_ids(CHUNK_LINES - len(rows)), first)
            ]
        if record := records.read():
            number, cells = record
            judged = judgement.refuse("", "a lone carriage return") if cells is None else judge(cells, of, now)
            rows.append((number, *judged))
    return rows


def store(connection: Connection, import_number: int, chunk: Chunk) -> None:
    """Store the lines of a chunk."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(chunk.rows)
    statement = _COPY.format(sql.Identifier(f"import_lines_{import_number}"))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(text.getvalue())
