"""The clock: the database's time, which never goes back (sql/functions/next_moment.sql)."""

from datetime import datetime

from psycopg import Connection
from psycopg.rows import scalar_row


def next_moment(connection: Connection) -> datetime:
    """Return an instant that is later than every instant that the service has written or compared with."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        moment: datetime
        [moment] = cursor.execute("select next_moment()").fetchall()
    return moment


def now(connection: Connection) -> datetime:
    """Return the time of the database."""
    moment: datetime
    [(moment,)] = connection.execute("select clock_now()").fetchall()
    return moment
