"""Failed sign-ins: counted for every name, so that a lock says nothing about whether there is such an account."""

from psycopg import Connection
from psycopg.rows import scalar_row

from segmentation.problems import TooManyFailures

MAX_FAILURES = 10
LOCK_SECONDS = 900


def count_attempt(connection: Connection, username: str) -> None:
    """Count an attempt as failed before its password is looked at; raises TooManyFailures, and then counts nothing.

    Guesses made at the same moment cannot pass the limit, because each is counted by the time it is checked.
    """
    counted = connection.execute(
        """
        with forgotten as (
            delete from sign_in_failures
             where sign_in_failures.ctid = any (array(
                select old.ctid
                  from sign_in_failures old
                 where old.failed_at <= now() - make_interval(secs => %(lock)s) and old.username <> lower(%(username)s)
                 limit 10
                   for update skip locked)))
        insert into sign_in_failures as known (username)
        values (lower(%(username)s))
            on conflict (username) do update
           set failures = case when known.failed_at > now() - make_interval(secs => %(lock)s)
                               then known.failures + 1 else 1 end,
               failed_at = now()
         where known.failures < %(limit)s or known.failed_at <= now() - make_interval(secs => %(lock)s)
        """,
        {"username": username, "lock": LOCK_SECONDS, "limit": MAX_FAILURES},
    ).rowcount
    if not counted:
        raise TooManyFailures(_seconds_left(connection, username))


def forget_failures(connection: Connection, username: str) -> None:
    """Begin to count anew, after a success."""
    connection.execute("delete from sign_in_failures where sign_in_failures.username = lower(%s::text)", (username,))


def _seconds_left(connection: Connection, username: str) -> int:
    with connection.cursor(row_factory=scalar_row) as cursor:
        left = cursor.execute(
            """
            select ceil(extract(epoch from sign_in_failures.failed_at - now()) + %s::integer)::integer
              from sign_in_failures
             where sign_in_failures.username = lower(%s::text)
            """,
            (LOCK_SECONDS, username),
        ).fetchone()
    return max(1, left or 1)
