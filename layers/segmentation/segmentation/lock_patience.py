"""Locks of a migration: asked for in short tries, because every request that comes meanwhile waits behind it."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from psycopg import Connection, errors

LOCK_TIMEOUT = "1s"
"""Less than a request waits for a lock, so that none fails because a migration waits in front of it."""

PAUSE_SECONDS = 2
"""In which those who waited behind a try are served."""

TRIES = 20

Result = TypeVar("Result")


def patiently(work: Callable[[], Result]) -> Result:
    """Do work that is one transaction; again and again, where somebody else has what it must lock.

    Raises what the last try raised, which has left nothing behind.
    """
    for _ in range(TRIES - 1):
        with suppress(errors.LockNotAvailable, errors.DeadlockDetected):
            return work()
        time.sleep(PAUSE_SECONDS)
    return work()


def be_brief(connection: Connection) -> None:
    """Let the rest of a transaction wait only briefly for each lock."""
    connection.execute("select set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
