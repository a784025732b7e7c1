"""CSV as RFC 4180 wants it, and safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable


def render(header: Iterable[str], rows: Iterable[Iterable[object]], delimiter: str = ",") -> str:
    """Return a header and rows as text; None becomes an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    """Keep a spreadsheet from running what a text may begin with (OWASP, CSV injection)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
