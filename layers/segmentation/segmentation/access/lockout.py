"""Failed sign-ins: counted for every name, so that a lock says nothing about whether there is such an account."""

from psycopg import Connection
from psycopg.rows import scalar_row

from segmentation.contract.problems import TooManyFailures

MAX_FAILURES = 10
LOCK_SECONDS = 900

CHECK_SECONDS = 10
"""How long a password may take to be checked; who was at it before that is gone."""

RETRY_SECONDS = 1
"""When those who are being checked will have turned out to be right, or wrong."""


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
        insert into sign_in_failures as known (username, under_way)
        values (lower(%(username)s), 1)
            on conflict (username) do update
           set failures = case when known.failed_at > now() - make_interval(secs => %(lock)s)
                               then known.failures + 1 else 1 end,
               under_way = case when known.failed_at > now() - make_interval(secs => %(lock)s)
                                then known.under_way + 1 else 1 end,
               failed_at = now()
         where known.failures < %(limit)s or known.failed_at <= now() - make_interval(secs => %(lock)s)
        """,
        {"username": username, "lock": LOCK_SECONDS, "limit": MAX_FAILURES},
    ).rowcount
    if not counted:
        raise TooManyFailures(_seconds_left(connection, username))


def settle_failure(connection: Connection, username: str) -> None:
    """Let an attempt that was counted be a failure for good."""
    connection.execute(
        """
        update sign_in_failures
           set under_way = greatest(sign_in_failures.under_way - 1, 0)
         where sign_in_failures.username = lower(%s::text)
        """,
        (username,),
    )


def forget_failures(connection: Connection, username: str) -> None:
    """Begin to count anew, after a success."""
    connection.execute("delete from sign_in_failures where sign_in_failures.username = lower(%s::text)", (username,))


def _seconds_left(connection: Connection, username: str) -> int:
    """Return when to come back: soon, where some of those who were counted are still being checked."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        left = cursor.execute(
            """
            select case when sign_in_failures.under_way > 0
                             and sign_in_failures.failed_at > now() - make_interval(secs => %(check)s)
                        then %(retry)s
                        else ceil(extract(epoch from sign_in_failures.failed_at - now()) + %(lock)s)::integer end
              from sign_in_failures
             where sign_in_failures.username = lower(%(username)s::text)
            """,
            {"username": username, "check": CHECK_SECONDS, "retry": RETRY_SECONDS, "lock": LOCK_SECONDS},
        ).fetchone()
    return max(1, left or 1)
