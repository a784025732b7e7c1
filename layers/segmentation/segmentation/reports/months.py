"""Calendar months in UTC. The ranges are half-open, so each instant is in exactly one month."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Month:
    """A month, from its first instant to the first instant of the next month."""

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
