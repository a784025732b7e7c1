"""Accounts: who may sign in here, and with which role."""

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
    """An account, as it signs in."""

    username: str
    password_hash: str
    role: Role


def create(connection: Connection, new: NewAccount) -> AccountRef:
    """Create an account; raises UsernameTaken, for another spelling in capitals too."""
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
        raise UsernameTaken(f"There is an account {new.username} already.")
    return AccountRef(id=account_id)


def create_first(owner: Connection, credentials: Callable[[], dict[str, str] | None]) -> None:
    """Create an admin where there is no account at all; whoever comes second at the same moment finds one.

    Asks for the credentials only then: their secret is deleted once there are other admins.
    """
    if owner.execute("select from accounts limit 1").rowcount:
        return
    if found := credentials():
        with suppress(UsernameTaken):
            create(owner, NewAccount(**found, role="admin"))


def authenticate(connection: Connection, credentials: Credentials) -> Account:
    """Return the account that these are the credentials of.

    Raises CredentialsWrong, in the same time and after the same statements whether or not there is such an
    account, and TooManyFailures. What can be nobody's username or password is wrong without a look.
    """
    if (
        not re.fullmatch(USERNAME_PATTERN, credentials.username)
        or len(credentials.password) > passwords.MOST_CHARACTERS
    ):
        raise CredentialsWrong()
    lockout.count_attempt(connection, credentials.username)
    account = _find(connection, credentials.username)
    expected = account.password_hash if account else passwords.NOBODYS_HASH
    if not passwords.matches(credentials.password, expected) or account is None:
        lockout.settle_failure(connection, credentials.username)
        raise CredentialsWrong()
    lockout.forget_failures(connection, credentials.username)
    return account


def _find(connection: Connection, username: str) -> Account | None:
    with connection.cursor(row_factory=class_row(Account)) as cursor:
        return cursor.execute(
            """
            select accounts.username, accounts.password_hash, accounts.role
              from accounts
             where lower(accounts.username) = lower(%s::text)
            """,
            (username,),
        ).fetchone()
