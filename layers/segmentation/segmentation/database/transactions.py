"""Transactions: the actor and the comment of each, the actions that follow a commit, and retries."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from psycopg import Connection, errors

from segmentation.runtime.retry import retry

MAX_RETRIES = 3

_ABORTED_BY_OTHERS = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.ForeignKeyViolation,  # a user was deleted while a rollout was about to enrol this user
    errors.UniqueViolation,  # another session inserted the same membership without the service
)

Result = TypeVar("Result")


@dataclass(frozen=True)
class _Enclosing:
    """A transaction around other transactions, and the actions that wait for its commit."""

    connection: Connection
    after_commit: list[Callable[[], None]] = field(default_factory=list)


_enclosing: ContextVar[_Enclosing | None] = ContextVar("enclosing", default=None)


@contextmanager
def transaction(
    connection: Connection, *, actor: str, reason: str = "manual", comment: str | None = None
) -> Iterator[None]:
    """Run a block as one transaction. Its rows of the history and of the change log carry this actor and comment.

    The rows of the history carry the reason, too.
    """
    with connection.transaction():
        connection.execute("select set_cause(with_comment(%s::text, %s::text), %s::text)", (actor, comment, reason))
        yield


@contextmanager
def transaction_of_job(
    connection: Connection, *, actor: str, cause_id: int | None, reason: str = "manual"
) -> Iterator[None]:
    """Run a block as one transaction of a job. Its rows carry the comment of the request that ordered the job."""
    with connection.transaction():
        connection.execute("select set_cause(with_cause(%s::text, %s::bigint), %s::text)", (actor, cause_id, reason))
        yield


@contextmanager
def enclosing_transaction(connection: Connection) -> Iterator[None]:
    """Run a block, with every transaction in it, as one transaction. Then run the actions that wait for its commit."""
    enclosing = _Enclosing(connection)
    outer = _enclosing.set(enclosing)
    try:
        with connection.transaction():
            yield
    finally:
        _enclosing.reset(outer)
    for action in enclosing.after_commit:
        action()


def enclosing_connection() -> Connection | None:
    """Return the connection of the enclosing transaction, or None outside of one."""
    enclosing = _enclosing.get()
    return enclosing.connection if enclosing else None


def after_commit(action: Callable[[], None]) -> None:
    """Run an action that needs committed data: now, or after the commit of the enclosing transaction."""
    enclosing = _enclosing.get()
    if enclosing is None:
        action()
    else:
        enclosing.after_commit.append(action)


def retry_aborted(work: Callable[[], Result]) -> Result:
    """Run a transaction. Retry it when Postgres aborts it because of a concurrent one.

    An aborted transaction left nothing behind, so a retry is safe. The last try raises its error.
    """
    return retry(work, on=_ABORTED_BY_OTHERS, pauses=(0,) * MAX_RETRIES)
