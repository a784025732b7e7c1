"""One connection a process, opened on first use; transactions; what an SQL error means to the client."""

import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

import psycopg
from psycopg import Connection, errors
from psycopg.pq import TransactionStatus

from segmentation.contract.problems import DatabaseUnavailable, Problem, RequestInvalid
from segmentation.runtime import settings
from segmentation.runtime.log import logger
from segmentation.runtime.secrets_manager import SecretUnreadable

CONNECT_TIMEOUT_SECONDS = 2
"""The shortest that libpq knows: a database that is away is answered with 503, not with a hung request."""

IDLE_SECONDS = 5
"""A connection that was not used for so long may be gone without a word: networks forget, and a frozen environment
hears nothing."""

SILENCE_SECONDS = 1
"""How long such a connection may take to give a sign of life."""

RETRY_SECONDS = 5
MAX_REPETITIONS = 3

_TIME_HELPS = (psycopg.OperationalError, errors.ReadOnlySqlTransaction, errors.IdleInTransactionSessionTimeout)

_UNDONE_BY_OTHERS = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.ForeignKeyViolation,  # a user who was deleted while a rollout was about to enrol them
    errors.UniqueViolation,  # a membership that somebody wrote past the service meanwhile
)

LIFETIME_CONSTRAINT = "memberships_expire_after_entry"

Result = TypeVar("Result")

_connection: Connection | None = None
_used_at = 0.0


@dataclass(frozen=True)
class _Whole:
    """A transaction around everything, and what waits for its commit."""

    connection: Connection
    waiting: list[Callable[[], None]] = field(default_factory=list)


_whole: ContextVar[_Whole | None] = ContextVar("whole", default=None)


def connection() -> Connection:
    """Return this process's connection, in autocommit; open it first where none is alive.

    Raises psycopg.OperationalError where none can be opened, DatabaseUnavailable where its secret cannot be read.
    Inside of undivided() it is the one of that transaction, dead or alive: a part of it would otherwise be committed
    by itself.
    """
    global _connection, _used_at
    if whole := _whole.get():
        return whole.connection
    idle_since, _used_at = _used_at, time.time()
    # a thawed clock may be set back as well as on
    if _connection is None or _is_lost(_connection, asks=abs(_used_at - idle_since) > IDLE_SECONDS):
        close()
        _connection = connect(_conninfo())
    return _connection


def _conninfo() -> str:
    try:
        return settings.database_conninfo()
    except SecretUnreadable as error:
        logger.warning("the secret of the database cannot be read", error=str(error))
        raise DatabaseUnavailable() from error


def connect(conninfo: str, *, patience_seconds: float = 0) -> Connection:
    """Open a connection in autocommit: a read is then one statement and one round trip.

    Behind a pooler the parameters are bound on this side: a statement prepared there would either bind the
    session to one server connection (RDS Proxy) or meet another one that does not know it. Without patience, a
    database that is away raises psycopg.OperationalError at the first try.
    """
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return _open(conninfo)
        except psycopg.OperationalError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(RETRY_SECONDS)


def _open(conninfo: str) -> Connection:
    pooled = settings.database_is_pooled()
    return psycopg.connect(
        conninfo,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        prepare_threshold=None if pooled else 1,
        cursor_factory=psycopg.ClientCursor if pooled else psycopg.Cursor,
        application_name="segmentation",
        # a server that is gone without a word is noticed by what is sent to it, while it owes an answer too
        tcp_user_timeout=1500,
        keepalives_idle=2,
        keepalives_interval=1,
    )


def close() -> None:
    """Drop this process's connection, if it has one; the next use opens another."""
    global _connection
    if _connection is not None:
        _connection.close()
        _connection = None


@contextmanager
def transaction(connection: Connection, *, actor: str, reason: str = "manual") -> Iterator[None]:
    """Run a block as one transaction whose history rows carry this actor and this reason."""
    with connection.transaction():
        connection.execute(
            "select set_config('segmentation.actor', %s, true), set_config('segmentation.reason', %s, true)",
            (actor, reason),
        )
        yield


@contextmanager
def undivided(connection: Connection) -> Iterator[None]:
    """Run a block as one transaction with all those in it, and after its commit what waits for that."""
    whole = _Whole(connection)
    outside = _whole.set(whole)
    try:
        with connection.transaction():
            yield
    finally:
        _whole.reset(outside)
    for action in whole.waiting:
        action()


def after_commit(action: Callable[[], None]) -> None:
    """Do what others must not see before the data: now, or where a transaction is undivided, after its commit."""
    whole = _whole.get()
    if whole is None:
        action()
    else:
        whole.waiting.append(action)


def settled(work: Callable[[], Result]) -> Result:
    """Do work that is one transaction; again, where the database undid it to settle a quarrel with another.

    Such a transaction has left nothing behind, so that a repetition is safe. Raises what the last try raised.
    """
    for _ in range(MAX_REPETITIONS):
        try:
            return work()
        except _UNDONE_BY_OTHERS:
            continue
    return work()


def problem_of(error: psycopg.Error) -> Problem | None:
    """Return what a database error means to the client, or None where it is our own fault."""
    if isinstance(error, errors.CheckViolation) and error.diag.constraint_name == LIFETIME_CONSTRAINT:
        return RequestInvalid(("body.expires_at", "must be in the future"))
    if isinstance(error, _TIME_HELPS) or _ended_the_session(error):  # away, or no lock in time, or a deadlock
        return DatabaseUnavailable()
    if type(error) is psycopg.InternalError:  # two answers to one command: the server's last, then the pooler's
        return DatabaseUnavailable()
    return None


def _ended_the_session(error: psycopg.Error) -> bool:
    """Tell the last words of a session, whatever their code: a server that crashes says what made it crash."""
    return error.diag.severity_nonlocalized in {"FATAL", "PANIC"}


def _is_lost(connection: Connection, *, asks: bool) -> bool:
    """Notice, without a round trip, a server that hung up while this environment was idle or frozen; or ask it.

    Nobody speaks to an idle session but to end it; a mere notice costs one connection too many, and no request.
    """
    if connection.closed or _has_something_to_say(connection, 0):
        return True
    return asks and connection.info.transaction_status == TransactionStatus.IDLE and _is_silent(connection)


def _is_silent(connection: Connection) -> bool:
    """Ask for an empty answer: without one in time, a statement would wait for as long as its function may run."""
    connection.pgconn.send_query(b"")
    if not _has_something_to_say(connection, SILENCE_SECONDS):
        return True
    while connection.pgconn.get_result():
        pass
    return connection.closed


def _has_something_to_say(connection: Connection, seconds: float) -> bool:
    readable, _, _ = select.select([connection.fileno()], [], [], seconds)
    return bool(readable)
