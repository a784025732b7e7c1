"""The one connection of each process: opened at its first use, checked before each use."""

import select
import time
from collections.abc import Iterator
from functools import partial

import psycopg
from psycopg import Connection, Cursor
from psycopg.pq import TransactionStatus

from segmentation.contract.problems import DatabaseUnavailable
from segmentation.database.transactions import enclosing_connection
from segmentation.runtime import settings
from segmentation.runtime.log import logger
from segmentation.runtime.retry import retry
from segmentation.runtime.secrets_manager import SecretUnreadable

CONNECT_TIMEOUT_SECONDS = 2
"""The minimum of libpq. A client gets 503 when the database is away, not a request that hangs."""

IDLE_SECONDS = 5
"""After this idle time a connection may be dead without a sign.

Networks drop idle connections, and a frozen environment gets no FIN.
"""

SILENCE_SECONDS = 1
"""How long an idle connection may take to answer an empty query."""

RETRY_SECONDS = 5

_connection: Connection | None = None
_cursor: Cursor | None = None
_used_at = 0.0


def get_connection() -> Connection:
    """Return this process's connection, in autocommit. Open a new one if there is none or it is dead.

    Raises psycopg.OperationalError if no connection can be opened, DatabaseUnavailable if its secret cannot be read.
    Within enclosing_transaction() it returns the connection of that transaction, even a dead one. A new connection
    would commit a part of that transaction on its own.
    """
    global _connection, _used_at
    if connection := enclosing_connection():
        return connection
    idle_since, _used_at = _used_at, time.time()
    # abs: after a thaw the clock may have stepped back
    if _connection is None or _is_lost(_connection, asks=abs(_used_at - idle_since) > IDLE_SECONDS):
        close()
        _connection = connect(_conninfo())
    return _connection


def get_cursor() -> Cursor:
    """Return the one cursor of get_connection(), for a statement whose rows are fetched at once.

    To make a cursor takes a tenth of the most frequent read.
    """
    global _cursor
    connection = get_connection()
    if _cursor is None or _cursor.connection is not connection:
        _cursor = connection.cursor()
    return _cursor


def _conninfo() -> str:
    try:
        return settings.database_conninfo()
    except SecretUnreadable as error:
        logger.warning("the database secret cannot be read", error=str(error))
        raise DatabaseUnavailable() from error


def connect(conninfo: str, *, retry_for_seconds: float = 0) -> Connection:
    """Open a connection in autocommit: a read is then one statement and one round trip.

    Behind a pooler the client binds the parameters. A statement prepared on a server would pin the session to it
    (RDS Proxy), or reach another server that does not have it. Raises psycopg.OperationalError if the database is
    still away after the given time.
    """
    pauses = _pauses_until(time.monotonic() + retry_for_seconds)
    return retry(partial(_open, conninfo), on=psycopg.OperationalError, pauses=pauses)


def _pauses_until(deadline: float) -> Iterator[float]:
    while time.monotonic() < deadline:
        yield RETRY_SECONDS


def _open(conninfo: str) -> Connection:
    pooled = settings.database_is_pooled()
    return psycopg.connect(
        conninfo,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        prepare_threshold=None if pooled else 1,
        cursor_factory=psycopg.ClientCursor if pooled else psycopg.Cursor,
        application_name="segmentation",
        # detect a server that vanished without a FIN: by unacknowledged data, or by keepalives during a statement
        tcp_user_timeout=1500,
        keepalives_idle=2,
        keepalives_interval=1,
    )


def close() -> None:
    """Close this process's connection, if there is one. The next use opens another."""
    global _connection
    if _connection is not None:
        _connection.close()
        _connection = None


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
