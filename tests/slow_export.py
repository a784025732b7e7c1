"""An export that reads a few members at a time, while a test writes between its statements."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from psycopg import Connection

from segmentation.database import watermark
from segmentation.reports import member_rows
from segmentation.reports.member_rows import Scope
from tests import law


@dataclass
class SlowExport:
    """The users that the reads named when the export began, and those that it has read so far."""

    connection: Connection[Any]
    scope: Scope
    named: list[int]
    found: list[int] = field(default_factory=list)
    erased: set[int] = field(default_factory=set)
    after: int = 0
    has_ended: bool = False

    def go_on(self, rows: int) -> None:
        """Run one statement."""
        for batch in member_rows.read(self.connection, self.scope, self.after, rows):
            self.found += [int(line.partition(",")[0]) for line in batch.text.splitlines()]
            self.after, self.has_ended = batch.place, batch.is_last

    def finish(self) -> None:
        """Run the remaining statements. The export then equals the reads at its instant."""
        while not self.has_ended:
            self.go_on(2)
        assert self._left(self.found) == self._left(self.named)

    def again(self) -> "SlowExport":
        """Return an export of the same instant that has read nothing. It shares the erased users."""
        return replace(self, found=[], after=0, has_ended=False)

    def forget(self, users: Iterable[int]) -> None:
        """Leave out users who may be erased meanwhile: the file can have them or not."""
        self.erased |= {*users}

    def _left(self, users: list[int]) -> list[int]:
        return [user for user in users if user not in self.erased]

    def let_time_pass(self, passed: timedelta) -> None:
        """Move the instant into the past, as the test does with every other instant."""
        self.scope = replace(self.scope, at=self.scope.at - passed)


def begin(connection: Connection[Any], segment_id: int, slug: str) -> SlowExport:
    """Fix the instant, and read the members by the list of members."""
    at = watermark.settled_instant(connection, watermark.END_OF_TIME)
    return SlowExport(connection, Scope(segment_id, at, ","), law.listed(connection, slug))
