"""Statements that read rows batch by batch, in the order of an index."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection


@contextmanager
def index_order(connection: Connection) -> Iterator[None]:
    """Run a block as one transaction, in which Postgres reads rows in the order of an index if any has that order.

    It would otherwise sort all rows for every batch, for example if its statistics are outdated, or if the rows lie in
    another order on disk.
    """
    with connection.transaction():
        connection.execute("select prefer_index_order()")
        yield
