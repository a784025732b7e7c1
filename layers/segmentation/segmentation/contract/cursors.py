"""Lists in pages: where one ends, and the cursor that clients pass back unread."""

import base64
from collections.abc import Callable
from typing import Any, TypeVar

NOT_A_CURSOR = "must be the next_cursor of the page before"

Row = TypeVar("Row")


def page(rows: list[Row], limit: int, key: Callable[[Row], int | str]) -> tuple[list[Row], str | None]:
    """Split off the one row read beyond the limit: where there is one, another page follows."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode_cursor(str(key(rows[limit - 1])))


def encode_cursor(key: str) -> str:
    """Return the cursor of the page that begins after this key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decode_cursor(cursor: Any) -> str:
    """Return the key that the page begins after; raises ValueError for what was never a cursor, and for two."""
    if not isinstance(cursor, str):
        raise ValueError(NOT_A_CURSOR)
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except ValueError:
        raise ValueError(NOT_A_CURSOR) from None
