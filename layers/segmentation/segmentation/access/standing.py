"""The standing of accounts: a token ends when its account is deleted, or gets another role or password."""

import time
from collections.abc import Callable

from psycopg import Connection

from segmentation.access.permissions import Caller
from segmentation.contract.problems import Unauthenticated

FRESH_SECONDS = 60
"""How long an environment relies on its last look at an account. A token that has ended may work that long."""

MAX_KNOWN = 1000
_seen_at: dict[tuple[str, str, str], float] = {}


def check(caller: Caller, connect: Callable[[], Connection]) -> None:
    """Raise Unauthenticated if the account has changed since the token was issued, or is deleted.

    Callers of an OpenID provider have no account here, and pass. The connection is used only for a new look.
    """
    if caller.generation is None:
        return
    token = (caller.subject, caller.role, caller.generation)
    now = time.time()  # not monotonic(): that clock stops while an environment is frozen
    if abs(now - _seen_at.get(token, -float("inf"))) <= FRESH_SECONDS:
        return
    if not _is_current(connect(), *token):
        raise Unauthenticated("The account has changed since the token was issued. Sign in again.")
    _remember(token, now)


def forget() -> None:
    """Drop what this environment knows. The next check looks at the account."""
    _seen_at.clear()


def _is_current(connection: Connection, subject: str, role: str, generation: str) -> bool:
    """Return whether the account still has this role and generation. Tokens of release 1.0 have no generation."""
    return bool(
        connection.execute(
            """
            select from accounts
             where lower(accounts.username) = lower(%s::text) and accounts.role = %s::text
                   and accounts.generation::text = coalesce(nullif(%s::text, ''), accounts.generation::text)
            """,
            (subject, role, generation),
        ).rowcount
    )


def _remember(token: tuple[str, str, str], now: float) -> None:
    if len(_seen_at) >= MAX_KNOWN:
        forget()
    _seen_at[token] = now
