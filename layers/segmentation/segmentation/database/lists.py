"""Statements with the lists of a request."""

from collections.abc import Collection
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import Row, RowFactory

MOST_BOUND_BY_CLIENT = 40
"""The elements that a statement's text may have. RDS Proxy pins a session that sends a text above 16 KB.

Forty slugs of 255 characters are 10 KB.
"""


def cursor(connection: Connection, *lists: Collection[Any], row_factory: RowFactory[Row]) -> psycopg.Cursor[Row]:
    """Return a cursor for a statement with lists.

    Behind a pooler the client binds parameters, which become part of the text. The server binds those of long lists,
    in a statement without a name: it leaves nothing behind on the server.
    """
    if sum(map(len, lists)) > MOST_BOUND_BY_CLIENT:
        return psycopg.Cursor(connection, row_factory=row_factory)
    return connection.cursor(row_factory=row_factory)
