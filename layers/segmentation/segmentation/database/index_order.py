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
        connection.execute(
            """
            select set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),
                   set_config('enable_bitmapscan', 'off', true),
                   set_config('jit', 'off', true)  -- a plan that uses one of these has a huge cost, which starts it
            """
        )
        yield
