"""Reads about an instant: it must be past, and the answer must never change later."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from psycopg import Connection

from segmentation.contract.problems import RequestInvalid
from segmentation.database import readers, watermark

SETTLED_AFTER = timedelta(seconds=watermark.MAX_WAIT_SECONDS)
"""The age from which an instant is settled: no writer lasts that long."""

KEPT_AFTER = timedelta(minutes=1)
"""The age from which a caller may keep an answer about an instant. The limit is part of the contract."""

KEPT_SECONDS = 3600


class Dated(Protocol):
    """The result of a read, with the database's time of the read."""

    @property
    def clock(self) -> datetime:
        """Return the time of the read."""


Read = TypeVar("Read", bound=Dated)


def read_at(connection: Connection, at: datetime, read: Callable[[], Read]) -> Read:
    """Return the result of a read about an instant. It has the database's time of the read, which saves a round trip.

    Rows are dated before they are committed. So a read about the last half minute is repeated when all rows up to the
    instant are committed. A reader may be behind, so it leaves a longer time to the writer. Raises RequestInvalid if
    the instant is in the future, or InstantUnsettled.
    """
    found = read()
    if found.clock - at < SETTLED_AFTER + readers.max_lag():
        readers.require_writer(connection)
    if at > found.clock:
        raise RequestInvalid(("query.at", "must not be in the future"))
    if found.clock - at < SETTLED_AFTER:
        watermark.settle(connection, at)
        found = read()
    return found


def max_age(at: datetime, clock: datetime) -> int | None:
    """Return how many seconds a caller may keep an answer about an instant, or None if a caller may not keep it."""
    return KEPT_SECONDS if clock - at > KEPT_AFTER else None
