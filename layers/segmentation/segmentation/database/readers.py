"""Reads beyond one server: requests that only read go to a reader, if the deployment has one that is up to date.

A request that must see the latest write, or that no reader can answer, goes to the writer.
"""

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

import psycopg
from psycopg import Connection, Cursor, errors

from segmentation.database.connection import connect, get_connection, get_cursor
from segmentation.database.kept_connection import KeptConnection
from segmentation.runtime import metrics, settings
from segmentation.runtime.log import logger
from segmentation.runtime.secrets_manager import SecretUnreadable

CHECK_SECONDS = 1
"""How long a measured lag counts. The lag can grow by as much in that time."""

RETRY_SECONDS = 15
"""How long a reader that is away is left alone. A try to connect may take two seconds."""

Result = TypeVar("Result")
State = Literal["ok", "lagging", "away"]


class WriterNeeded(Exception):
    """Only the writer can answer this request. It is run again there."""


@dataclass
class _Request:
    """A request that may read from a reader."""

    has_read: bool = False


_request: ContextVar[_Request | None] = ContextVar("request", default=None)


class _Reader:
    """The connection to the reader, and what its last check found."""

    def __init__(self) -> None:
        self.kept = KeptConnection(lambda: connect(settings.database_read_conninfo()))
        self.forget()

    def forget(self) -> None:
        """Close the connection. The next use opens another and checks the reader."""
        self.kept.close()
        self._state: State = "ok"
        self._checked: Connection | None = None
        self._checked_at = -float("inf")

    def find(self) -> Connection | None:
        """Return the connection, or None if the reader is away or lags."""
        if self._state == "away" and not self._is_older_than(RETRY_SECONDS):
            return None
        try:
            return self._find()
        except (psycopg.Error, SecretUnreadable) as error:
            self._leave(type(error).__name__)
            return None

    def check(self) -> State:
        """Return the state of the reader now."""
        self._checked_at = -float("inf")
        self.find()
        return self._state

    def _find(self) -> Connection | None:
        connection = self.kept.get()
        if connection is not self._checked or self._is_older_than(CHECK_SECONDS):
            self._check(connection)
        return connection if self._state == "ok" else None

    def _check(self, connection: Connection) -> None:
        [(lag,)] = connection.execute("select replay_lag()").fetchall()
        if lag is None:
            self._leave("the server is no standby")
            return
        self._checked = connection
        self._note("ok" if lag + CHECK_SECONDS <= settings.max_read_lag_seconds() else "lagging")

    def _leave(self, reason: str) -> None:
        """Do without the reader for a while. Its name may lead to another server by then."""
        logger.warning("the reader is away: its requests go to the writer", reason=reason)
        self.kept.close()
        self._note("away")

    def _note(self, state: State) -> None:
        self._state, self._checked_at = state, time.time()

    def _is_older_than(self, seconds: float) -> bool:
        return abs(time.time() - self._checked_at) > seconds  # abs: after a thaw the clock may have stepped back


_reader = _Reader()


def run(request: Callable[[], Result], *, fresh: bool) -> Result:
    """Run a request. Its reads go to the reader, unless it must be fresh. Run it again on the writer if that fails.

    A statement that takes too long is not repeated: the writer must not take over what overloads a reader.
    """
    if fresh or settings.database_read_host() is None:
        return request()
    begun = _Request()
    outer = _request.set(begun)
    try:
        return request()
    except WriterNeeded:
        pass
    except psycopg.Error as error:
        if not begun.has_read or isinstance(error, errors.QueryCanceled):
            raise
        logger.warning("the reader failed: the request goes to the writer", error=type(error).__name__)
        metrics.count("ReaderFallbacks", 1)
    finally:
        _request.reset(outer)
    return request()


def get_read_connection() -> Connection:
    """Return the reader's connection, or the writer's if the request must not or cannot use the reader."""
    return _find() or get_connection()


def get_read_cursor() -> Cursor:
    """Return the one cursor of get_read_connection(), for a statement whose rows are fetched at once."""
    found = _find()
    return get_cursor() if found is None else _reader.kept.cursor_of(found)


def require_writer(connection: Connection) -> None:
    """Raise WriterNeeded if a connection is the reader's: what follows writes, or looks for other writers."""
    if _reader.kept.is_kept(connection):
        raise WriterNeeded


def max_lag() -> timedelta:
    """Return how far the state of a reader in use may be behind."""
    return timedelta(seconds=settings.max_read_lag_seconds())


def state() -> State | None:
    """Return the state of the reader now, or None if the deployment has none."""
    return _reader.check() if settings.database_read_host() else None


def close() -> None:
    """Close the connection to the reader, if there is one. The next use opens another."""
    _reader.forget()


def _find() -> Connection | None:
    request = _request.get()
    if request is None:
        return None
    found = _reader.find()
    if found is None:
        metrics.count("ReaderFallbacks", 1)
    else:
        request.has_read = True
    return found
