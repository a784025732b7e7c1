"""The layout of a file: its delimiter, and the columns with the ids and the lifetimes."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from segmentation.reports.imports.lines import FileUnreadable, Lines

DELIMITERS = (",", ";", "\t")
BLANKS = " \t\r\n"
"""The characters around a value that do not count. A line of only these characters is blank."""

USER_ID, TTL, EXPIRES_AT = "user_id", "ttl", "expires_at"
_BEGINS_AS_NUMBER = re.compile(r'\s*"?\s*[+-]?[0-9]')


@dataclass(frozen=True)
class Layout:
    """The delimiter, the number of columns, and the places of the columns that count. Without a header there is one."""

    delimiter: str = DELIMITERS[0]
    has_header: bool = False
    columns: int = 1
    user_id: int = 0
    ttl: int | None = None
    expires_at: int | None = None


def read(lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each record. Raises csv.Error for a record with a lone carriage return."""
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def find(lines: Lines) -> Layout:
    """Return the layout of a file, and read past its header. Raises FileUnreadable for another header.

    A file without a header, or without any line, has one column.
    """
    first = _first_filled(lines)
    header = _delimiter_of_header(first, lines.number)
    if header is None:
        return Layout()
    cells = next(read(chain([first], lines), header))
    return _of_header(cells, header)


def _first_filled(lines: Lines) -> str:
    lines.skip_blanks()
    for line in lines:
        if line.strip(BLANKS):
            return line
        lines.begin_record()
        lines.skip_blanks()
    return "0"


def _delimiter_of_header(line: str, number: int) -> str | None:
    """Return the delimiter of a header, or None for a line of data."""
    for delimiter in DELIMITERS:
        if USER_ID in _names(line, delimiter, number):
            return delimiter
    if _BEGINS_AS_NUMBER.match(line):
        return None
    raise FileUnreadable(
        f"Line {number} is neither an id nor a header with the column {USER_ID}. "
        "A comma, a semicolon or a tab separates columns."
    )


def _of_header(cells: list[str], delimiter: str) -> Layout:
    names = [cell.strip() for cell in cells]
    for name in (USER_ID, TTL, EXPIRES_AT):
        if names.count(name) > 1:
            raise FileUnreadable(f"The header names the column {name} twice.")
    ttl, expires_at = (names.index(name) if name in names else None for name in (TTL, EXPIRES_AT))
    return Layout(delimiter, True, len(names), names.index(USER_ID), ttl, expires_at)


def _names(line: str, delimiter: str, number: int) -> list[str]:
    try:
        [cells] = read(iter([line]), delimiter)
    except csv.Error:
        raise FileUnreadable(f"Line {number} has a lone carriage return. Lines end with LF or CRLF.") from None
    return [cell.strip() for cell in cells]
