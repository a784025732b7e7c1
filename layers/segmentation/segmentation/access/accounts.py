"""Accounts: the usernames, password hashes and roles of people who sign in here."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from segmentation.access import lockout, passwords
from segmentation.contract.problems import CredentialsWrong, UsernameTaken
from segmentation.contract.requests import Credentials, NewAccount
from segmentation.contract.responses import AccountRef
from segmentation.contract.roles import Role
from segmentation.contract.values import USERNAME_PATTERN


@dataclass(frozen=True)
class Account:
    """An account with its password hash."""

    username: str
    password_hash: str
    role: Role
    generation: str


def create(connection: Connection, new: NewAccount) -> AccountRef:
    """Create an account. Raises UsernameTaken; usernames differ by more than case."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        account_id = cursor.execute(
            """
            insert into accounts (username, password_hash, role)
            values (%s, %s, %s)
                on conflict (lower(username)) do nothing
         returning accounts.account_id
            """,
            (new.username, passwords.hashed(new.password), new.role),
        ).fetchone()
    if account_id is None:
        raise UsernameTaken(f"The username {new.username} is taken.")
    return AccountRef(id=account_id)


def create_first(owner: Connection, credentials: Callable[[], dict[str, str] | None]) -> None:
    """Create the first admin if there is no account. A concurrent deployment then finds this one.

    The credentials are read only in that case, because operators delete their secret later.
    """
    if owner.execute("select from accounts limit 1").rowcount:
        return
    if found := credentials():
        with suppress(UsernameTaken):
            create(owner, NewAccount(**found, role="admin"))


def authenticate(connection: Connection, credentials: Credentials) -> Account:
    """Return the account with these credentials. Raises CredentialsWrong, TooManyFailures.

    A wrong password and an unknown username take the same time and the same statements. Credentials that no account
    can have are rejected without a query.
    """
    if (
        not re.fullmatch(USERNAME_PATTERN, credentials.username)
        or len(credentials.password) > passwords.MOST_CHARACTERS
    ):
        raise CredentialsWrong()
    account = _find(connection, credentials.username)  # before the count, which a lost connection could not take back
    with lockout.counted_attempt(connection, credentials.username):
        expected = account.password_hash if account else passwords.DUMMY_HASH
        if not passwords.matches(credentials.password, expected) or account is None:
            lockout.confirm_failure(connection, credentials.username)
            raise CredentialsWrong()
        lockout.reset_failures(connection, credentials.username)
        return account


def _find(connection: Connection, username: str) -> Account | None:
    with connection.cursor(row_factory=class_row(Account)) as cursor:
        return cursor.execute(
            """
            select accounts.username, accounts.password_hash, accounts.role, accounts.generation::text
              from accounts
             where lower(accounts.username) = lower(%s::text)
            """,
            (username,),
        ).fetchone()
