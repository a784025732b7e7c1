"""The connection of each process to the writer, the server that takes every write."""

import time
from collections.abc import Iterator
from functools import partial

import psycopg
from psycopg import Connection, Cursor

from segmentation.contract.problems import DatabaseUnavailable
from segmentation.database.kept_connection import KeptConnection
from segmentation.database.transactions import enclosing_connection
from segmentation.runtime import settings
from segmentation.runtime.log import logger
from segmentation.runtime.retry import retry
from segmentation.runtime.secrets_manager import SecretUnreadable

CONNECT_TIMEOUT_SECONDS = 2
"""The minimum of libpq. A client gets 503 when the database is away, not a request that hangs."""

RETRY_SECONDS = 5


def get_connection() -> Connection:
    """Return this process's connection to the writer, in autocommit. Open a new one if there is none or it is dead.

    Raises psycopg.OperationalError if no connection can be opened, DatabaseUnavailable if its secret cannot be read.
    Within enclosing_transaction() it returns the connection of that transaction, even a dead one. A new connection
    would commit a part of that transaction on its own.
    """
    return enclosing_connection() or _writer.get()


def get_cursor() -> Cursor:
    """Return the one cursor of get_connection(), for a statement whose rows are fetched at once."""
    return _writer.cursor_of(get_connection())


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
    """Close this process's connection to the writer, if there is one. The next use opens another."""
    _writer.close()


_writer = KeptConnection(lambda: connect(_conninfo()))
