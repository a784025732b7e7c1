"""A lock timeout for a part of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection


@contextmanager
def lock_timeout(connection: Connection[Any], limit: str) -> Iterator[None]:
    """Run a block as a transaction with a lock timeout.

    A setting of the session would stay with a server's connection that a pooler gives to other tests.
    """
    with connection.transaction():
        connection.execute("select set_config('lock_timeout', %s, true)", (limit,))
        yield
