"""Check that the month of a request is not in the future."""

from datetime import UTC, datetime, timedelta

from psycopg import Connection

from segmentation.contract.problems import RequestInvalid
from segmentation.database import clock
from segmentation.reports.months import Month

CLOCK_DIFFERENCE = timedelta(days=1)
"""Within this distance from the start of a month, only the database's clock decides whether the month has begun."""


def requested_month(connection: Connection, year: int, month: int, *, location: str) -> Month:
    """Return a month. Raises RequestInvalid, at a location of the request, for a month in the future."""
    asked, now = Month(year, month), datetime.now(UTC)
    if abs(asked.begins_at - now) < CLOCK_DIFFERENCE:
        now = clock.now(connection)
    if asked.begins_at > now:
        member = "year" if year > now.year else "month"
        raise RequestInvalid((f"{location}.{member}", "must not be in the future"))
    return asked
