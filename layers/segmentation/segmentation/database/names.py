"""Names that only one row may have, for example slugs."""

from psycopg import Connection


def lock(connection: Connection, name: str) -> None:
    """Lock a name until the transaction ends, so that the next statement sees whether another session took it.

    The violation of a unique index would tell the same, but only after the insert has used up an id.
    """
    connection.execute("select pg_advisory_xact_lock(3, hashtext(%s::text))", (name,))
