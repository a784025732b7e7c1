"""CSV in the format of RFC 4180, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from typing import TextIO


def render(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a header and rows as text. None becomes an empty cell."""
    text = io.StringIO(newline="")
    write(text, header, rows)
    return text.getvalue()


def write(to: TextIO, header: Iterable[str], rows: Iterable[Iterable[object]], delimiter: str = ",") -> int:
    """Write a header and the rows one by one. Return the number of rows."""
    writer = csv.writer(to, delimiter=delimiter)
    writer.writerow(header)
    written = 0
    for written, row in enumerate(rows, start=1):  # noqa: B007 -- the last number is the result
        writer.writerow([_cell(value) for value in row])
    return written


def _cell(value: object) -> str:
    """Return a value as text. Quote a first character that starts a formula in a spreadsheet (OWASP, CSV injection)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
