"""The gate before a busy segment (decision 19), where a session has left it shut.

Who shuts it opens it in the same statement, and yet not if it is canceled just as it does: nobody can write then until
that session ends.
"""

from psycopg import Connection

from segmentation.runtime.log import logger


def open_where_left_shut(connection: Connection) -> None:
    """End sessions that have the gate between two statements; what they had begun is undone, as with any lost line."""
    [(looked_at, holders)] = connection.execute(
        """
        select statement_timestamp(),
               array(select pg_locks.pid
                       from pg_locks
                       join pg_database on pg_database.oid = pg_locks.database
                      where pg_database.datname = current_database()
                        and pg_locks.locktype = 'advisory' and pg_locks.mode = 'ExclusiveLock' and pg_locks.granted
                        and pg_locks.classid = 0 and pg_locks.objid = 0 and pg_locks.objsubid = 2)
        """
    ).fetchall()
    ended = connection.execute(
        """
        select pg_terminate_backend(pg_stat_activity.pid, 1000)
          from pg_stat_activity
         where pg_stat_activity.pid = any (%s::integer[])
           -- idle before the first look and still: it was, when it had the gate
           and pg_stat_activity.state like 'idle%%' and pg_stat_activity.state_change < %s::timestamptz
        """,
        (holders, looked_at),
    )
    if ended.rowcount:
        logger.warning("a session that had left the gate shut was ended")
