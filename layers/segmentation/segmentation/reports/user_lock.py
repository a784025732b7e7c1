"""The lock between the reports of a user and the erasure of that user.

A report reads the history and then stores a file. Without the lock, an erasure between the two would leave the file.
"""

from psycopg import Connection


def hold(connection: Connection, user_id: int) -> None:
    """Make an erasure of the user wait until the transaction ends."""
    connection.execute("select pg_advisory_xact_lock_shared(4, hashint8(%s::bigint))", (user_id,))


def wait_for_reports(connection: Connection, user_id: int) -> None:
    """Wait for the reports of the user, and make later ones wait until the transaction ends."""
    connection.execute("select pg_advisory_xact_lock(4, hashint8(%s::bigint))", (user_id,))
