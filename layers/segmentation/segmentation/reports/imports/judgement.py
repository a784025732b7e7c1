"""Judge one line of a file. Find its id and its lifetime, or the rule that it breaks."""

import re
from datetime import datetime
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from segmentation.contract import csv_text
from segmentation.contract.values import MAX_TTL_SECONDS, MAX_USER_ID, ExpiresAt
from segmentation.reports.imports.layout import BLANKS, Layout

MAX_GIVEN = 100
"""The characters of an invalid id that are kept for the verdict."""

_ID = re.compile(r"[1-9][0-9]{0,18}")
_TTL = re.compile(r"[1-9][0-9]{0,8}")
_LARGEST = str(MAX_USER_ID)
_INSTANT = TypeAdapter(ExpiresAt)


class Judged(NamedTuple):
    """The columns of a line in import_lines. Only invalid lines have given and detail."""

    user_id: str | None
    ttl: int | None = None
    expires_at: datetime | None = None
    given: str | None = None
    detail: str | None = None


class LineInvalid(Exception):
    """The line breaks a rule. The message is its detail."""


def judge(cells: list[str], layout: Layout, now: datetime) -> Judged:
    """Return the judgement of a line. A line whose id is valid and whose lifetime is not keeps its id."""
    place = layout.user_id
    text = cells[place].strip(BLANKS) if place < len(cells) else ""
    user_id = text if is_id(text) else None
    try:
        if len(cells) != layout.columns and any(cells[layout.columns :] or ["fewer"]):
            raise LineInvalid(_wrong_number(len(cells), layout))
        if user_id is None:
            raise LineInvalid(f"user_id must be a whole number from 1 to {MAX_USER_ID} in plain digits")
        if layout.ttl is None and layout.expires_at is None:
            return Judged(user_id)
        return _with_lifetime(user_id, cells, layout, now)
    except LineInvalid as invalid:
        is_named = user_id is not None and len(cells) == layout.columns
        return refuse(text, str(invalid), user_id=user_id if is_named else None)


def refuse(text: str, detail: str, user_id: str | None = None) -> Judged:
    """Return an invalid line with the beginning of its id."""
    given = csv_text.render([], [[text[:MAX_GIVEN]]]).removeprefix("\r\n").removesuffix("\r\n")
    return Judged(user_id, given=given, detail=detail)


def is_id(text: str) -> bool:
    """Return whether a text is an id in plain digits. Texts of equal length sort like their numbers."""
    return _ID.fullmatch(text) is not None and (len(text) < len(_LARGEST) or text <= _LARGEST)


def _wrong_number(cells: int, layout: Layout) -> str:
    if layout.has_header:
        return f"the line has {cells} cells and the header {layout.columns}"
    return f"the line has {cells} cells: without a header there is one"


def _with_lifetime(user_id: str, cells: list[str], layout: Layout, now: datetime) -> Judged:
    ttl = "" if layout.ttl is None else cells[layout.ttl].strip(BLANKS)
    expires_at = "" if layout.expires_at is None else cells[layout.expires_at].strip(BLANKS)
    if ttl and expires_at:
        raise LineInvalid("the line must not have both ttl and expires_at")
    return Judged(user_id, _seconds(ttl) if ttl else None, _instant(expires_at, now) if expires_at else None)


def _seconds(text: str) -> int:
    if not _TTL.fullmatch(text) or int(text) > MAX_TTL_SECONDS:
        raise LineInvalid(f"ttl must be whole seconds from 1 to {MAX_TTL_SECONDS}")
    return int(text)


def _instant(text: str, now: datetime) -> datetime:
    try:
        instant = _INSTANT.validate_python(text)
    except ValidationError:
        raise LineInvalid("expires_at must be an instant with an offset such as 2030-01-31T12:00:00Z") from None
    if instant <= now:
        raise LineInvalid("expires_at must be in the future")
    return instant
