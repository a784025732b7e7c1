"""Pages of lists, and the opaque cursor between one page and the next."""

import base64
from collections.abc import Callable
from typing import Any, TypeVar

NOT_A_CURSOR = "must be the next_cursor of the previous page"

Row = TypeVar("Row")


def page(rows: list[Row], limit: int, key: Callable[[Row], int | str]) -> tuple[list[Row], str | None]:
    """Return the rows of one page, and the cursor of the next page or None.

    The caller reads one row more than the limit. That row means that another page follows.
    """
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode_cursor(str(key(rows[limit - 1])))


def encode_cursor(key: str) -> str:
    """Return the cursor of the page that starts after this key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decode_cursor(cursor: Any) -> str:
    """Return the key that the page starts after.

    Raises ValueError for a text that is not a cursor, and for a parameter given twice (a list).
    """
    if not isinstance(cursor, str):
        raise ValueError(NOT_A_CURSOR)
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except ValueError:
        raise ValueError(NOT_A_CURSOR) from None
