"""Stuck locks: the writers' advisory lock (decision 19), still held by an idle session.

hold_segment takes and releases this lock in one statement. If the statement is canceled during the release, its session
can keep the lock. Then no writer can write until that session ends.
"""

from psycopg import Connection

from segmentation.runtime.log import logger


def end_idle_lock_holders(connection: Connection) -> None:
    """End the sessions that hold the writers' lock between two statements. Postgres rolls their transactions back."""
    [(queried_at, holders)] = connection.execute(
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
           -- idle since before the first query: so the session was idle while it held the lock
           and pg_stat_activity.state like 'idle%%' and pg_stat_activity.state_change < %s::timestamptz
        """,
        (holders, queried_at),
    )
    if ended.rowcount:
        logger.warning("an idle session that held the lock of the writers was ended")
