"""The size of a segment by day (UTC): the members at the end of each day, and the entries and exits of that day."""

from dataclasses import dataclass
from datetime import date
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import class_row

from segmentation.contract.problems import RequestInvalid, SegmentUnknown
from segmentation.contract.responses import FreshJson

MOST_DAYS = 366

# The database writes the body, as for the current segments of a user (memberships.JSON_OF_USER).
SIZE_BY_DAY: LiteralString = """
    select size.since, size.until, size.body
      from size_by_day(%s::text, %s::date, %s::date, %s::integer) size
    """


@dataclass(frozen=True)
class _Size:
    """The range, and the sizes as JSON."""

    since: date | None
    until: date | None
    body: str | None


def list_days(connection: Connection, slug: str, *, since: date | None, until: date | None) -> FreshJson:
    """Return the size of a segment (SegmentSize) as JSON, on each day from one until before another.

    By default the days are the last 30 and today. Days before the segment's creation, before the history begins, not
    counted yet, or in the future are left out. Today's members are those of now. Raises SegmentUnknown, or
    RequestInvalid for a range that is not valid.
    """
    with connection.cursor(row_factory=class_row(_Size)) as cursor:
        [size] = cursor.execute(SIZE_BY_DAY, (slug, since, until, MOST_DAYS)).fetchall()
    if size.since is None or size.until is None:
        raise SegmentUnknown([slug])
    if until is not None and until < size.since:  # without "until", a range that begins in the future is empty
        raise RequestInvalid(("query.to", "must not be before from"))
    if size.body is None:
        raise RequestInvalid(("query.from", f"must be at most {MOST_DAYS} days before to"))
    return FreshJson(size.body, None)
