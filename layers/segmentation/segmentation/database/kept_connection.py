"""A connection that a process keeps: opened at its first use, checked before each use."""

import select
import time
from collections.abc import Callable

from psycopg import Connection, Cursor
from psycopg.pq import TransactionStatus

IDLE_SECONDS = 5
"""After this idle time a connection may be dead without a sign.

Networks drop idle connections, and a frozen environment gets no FIN.
"""

SILENCE_SECONDS = 1
"""How long an idle connection may take to answer an empty query."""


class KeptConnection:
    """One connection of this process to one server, with one cursor. A dead connection is replaced before its use."""

    def __init__(self, opened: Callable[[], Connection]) -> None:
        self._open = opened
        self._connection: Connection | None = None
        self._cursor: Cursor | None = None
        self.used_at = 0.0

    def get(self) -> Connection:
        """Return the connection. Open a new one if there is none or it is dead."""
        idle_since, self.used_at = self.used_at, time.time()
        # abs: after a thaw the clock may have stepped back
        asks = abs(self.used_at - idle_since) > IDLE_SECONDS
        if self._connection is None or _is_lost(self._connection, asks=asks):
            self.close()
            self._connection = self._open()
        return self._connection

    def cursor_of(self, connection: Connection) -> Cursor:
        """Return the one cursor of a connection that get() has returned.

        To make a cursor takes a tenth of the most frequent read.
        """
        if self._cursor is None or self._cursor.connection is not connection:
            self._cursor = connection.cursor()
        return self._cursor

    def is_kept(self, connection: Connection) -> bool:
        """Return whether a connection is the one that is kept."""
        return connection is self._connection

    def close(self) -> None:
        """Close the connection, if there is one. The next use opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _is_lost(connection: Connection, *, asks: bool) -> bool:
    """Return whether the server has closed the connection. Send an empty query only if asked to.

    A readable idle socket means that the server closed the connection. A false alarm (a NOTICE) costs one reconnect.
    """
    if connection.closed or _is_readable(connection, 0):
        return True
    return asks and connection.info.transaction_status == TransactionStatus.IDLE and _is_silent(connection)


def _is_silent(connection: Connection) -> bool:
    """Send an empty query, and return whether no answer comes in time.

    A statement on a dead connection would wait until the function's time-out.
    """
    connection.pgconn.send_query(b"")
    if not _is_readable(connection, SILENCE_SECONDS):
        return True
    while connection.pgconn.get_result():
        pass
    return connection.closed


def _is_readable(connection: Connection, seconds: float) -> bool:
    readable, _, _ = select.select([connection.fileno()], [], [], seconds)
    return bool(readable)
