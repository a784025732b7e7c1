"""Calendar months in UTC: half-open, so that twelve of them are the year and nothing is in two."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg import Connection

from segmentation.contract.problems import RequestInvalid

DOUBT = timedelta(days=1)
"""How near to the beginning of a month only the database's clock can tell whether it has begun."""


@dataclass(frozen=True)
class Month:
    """A month, from its first instant to the first of the next."""

    year: int
    month: int

    @property
    def begins_at(self) -> datetime:
        """Return the first instant of the month."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """Return the first instant after the month."""
        return datetime(self.year + self.month // 12, self.month % 12 + 1, 1, tzinfo=UTC)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def month_that_has_begun(connection: Connection, year: int, month: int, *, location: str) -> Month:
    """Return a month; raises RequestInvalid, at a location of the request, for one of the future."""
    asked, now = Month(year, month), datetime.now(UTC)
    if abs(asked.begins_at - now) < DOUBT:
        now = _now(connection)
    if asked.begins_at > now:
        member = "year" if year > now.year else "month"
        raise RequestInvalid((f"{location}.{member}", "must not be in the future"))
    return asked


def _now(connection: Connection) -> datetime:
    now: datetime
    [(now,)] = connection.execute("select now()").fetchall()
    return now
