"""Lock a username after too many failed sign-ins.

Failures are counted for unknown usernames too, so a lock does not reveal which accounts exist.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import psycopg
from psycopg import Connection
from psycopg.rows import scalar_row

from segmentation.contract.problems import CredentialsWrong, TooManyFailures

MAX_FAILURES = 10
LOCK_SECONDS = 900

CHECK_SECONDS = 10
"""The longest time that a password check takes. An older attempt was interrupted."""

RETRY_SECONDS = 1
"""After this time the attempts under way have succeeded or failed."""


@contextmanager
def counted_attempt(connection: Connection, username: str) -> Iterator[None]:
    """Count an attempt while its password is checked. Take the attempt back if an error prevents the check.

    An interrupted environment takes nothing back, so its attempt counts as a failure. Raises TooManyFailures.
    """
    count_attempt(connection, username)
    try:
        yield
    except CredentialsWrong:
        raise
    except Exception:
        with suppress(psycopg.Error):  # the client needs the first error
            _take_back(connection, username)
        raise


def count_attempt(connection: Connection, username: str) -> None:
    """Count an attempt as failed before its password is checked. Raises TooManyFailures, and then counts nothing.

    Concurrent guesses cannot exceed the limit, because each is counted before its check. If the clock of the database
    steps back, a lock lasts at most twice as long.
    """
    counted = connection.execute(
        """
        with forgotten as (
            delete from sign_in_failures
             where sign_in_failures.ctid = any (array(
                select old.ctid
                  from sign_in_failures old
                 where old.failed_at <= now() - %(lock)s::interval and old.username <> lower(%(username)s)
                 limit 10
                   for update skip locked)))
        insert into sign_in_failures as known (username, under_way)
        values (lower(%(username)s), 1)
            on conflict (username) do update
           set failures = case when known.failed_at between now() - %(lock)s::interval and now() + %(lock)s::interval
                               then known.failures + 1 else 1 end,
               under_way = case when known.failed_at between now() - %(lock)s::interval and now() + %(lock)s::interval
                                then known.under_way + 1 else 1 end,
               failed_at = now()
         where known.failures < %(limit)s
            or known.failed_at not between now() - %(lock)s::interval and now() + %(lock)s::interval
        """,
        {"username": username, "lock": timedelta(seconds=LOCK_SECONDS), "limit": MAX_FAILURES},
    ).rowcount
    if not counted:
        raise TooManyFailures(_seconds_left(connection, username))


def confirm_failure(connection: Connection, username: str) -> None:
    """Confirm that a counted attempt has failed."""
    connection.execute(
        """
        update sign_in_failures
           set under_way = greatest(sign_in_failures.under_way - 1, 0)
         where sign_in_failures.username = lower(%s::text)
        """,
        (username,),
    )


def reset_failures(connection: Connection, username: str) -> None:
    """Reset the count after a success."""
    connection.execute("delete from sign_in_failures where sign_in_failures.username = lower(%s::text)", (username,))


def _take_back(connection: Connection, username: str) -> None:
    """Undo the count of an attempt, unless a success has reset the count meanwhile."""
    connection.execute(
        """
        update sign_in_failures
           set failures = greatest(sign_in_failures.failures - 1, 0), under_way = sign_in_failures.under_way - 1
         where sign_in_failures.username = lower(%s::text) and sign_in_failures.under_way > 0
        """,
        (username,),
    )


def _seconds_left(connection: Connection, username: str) -> int:
    """Return the seconds until a retry makes sense: few while a counted attempt is still being checked."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        left = cursor.execute(
            """
            select case when sign_in_failures.under_way > 0
                             and abs(extract(epoch from sign_in_failures.failed_at - now())) < %(check)s
                        then %(retry)s
                        else ceil(extract(epoch from sign_in_failures.failed_at - now()) + %(lock)s)::integer end
              from sign_in_failures
             where sign_in_failures.username = lower(%(username)s::text)
            """,
            {"username": username, "check": CHECK_SECONDS, "retry": RETRY_SECONDS, "lock": LOCK_SECONDS},
        ).fetchone()
    return max(1, left or 1)
