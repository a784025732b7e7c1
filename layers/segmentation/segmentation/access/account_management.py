"""The accounts as their admins see them: list, change and delete them."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, errors
from psycopg.rows import class_row

from segmentation.access import lockout, passwords
from segmentation.contract import cursors
from segmentation.contract.problems import AccountUnknown, LastAdmin
from segmentation.contract.requests import AccountChange
from segmentation.contract.responses import Account, AccountPage


def list_accounts(connection: Connection, *, after: str, limit: int) -> AccountPage:
    """Return the accounts after a username, in order of username."""
    with connection.cursor(row_factory=class_row(Account)) as cursor:
        rows = cursor.execute(
            """
            select accounts.username, accounts.role, accounts.created_at, accounts.last_signed_in_at
              from accounts
             where lower(accounts.username) > lower(%s::text)
             order by lower(accounts.username)
             limit %s::integer
            """,
            (after, limit + 1),
        ).fetchall()
    accounts, next_cursor = cursors.page(rows, limit, lambda account: account.username)
    return AccountPage(accounts=accounts, next_cursor=next_cursor)


def update(connection: Connection, username: str, change: AccountChange) -> Account:
    """Give an account another role or password, which ends its tokens. A new password also ends a lockout.

    Raises AccountUnknown, LastAdmin.
    """
    password_hash = None if change.password is None else passwords.hashed(change.password)
    with connection.transaction():
        updated = _set(connection, username, change.role, password_hash)
        if password_hash:
            lockout.reset_failures(connection, username)
    return updated


def _set(connection: Connection, username: str, role: str | None, password_hash: str | None) -> Account:
    with _an_admin_stays(), connection.cursor(row_factory=class_row(Account)) as cursor:
        updated = cursor.execute(
            """
            update accounts
               set role = coalesce(%s::text, accounts.role),
                   password_hash = coalesce(%s::text, accounts.password_hash)
             where lower(accounts.username) = lower(%s::text)
         returning accounts.username, accounts.role, accounts.created_at, accounts.last_signed_in_at
            """,
            (role, password_hash, username),
        ).fetchone()
    if updated is None:
        raise _unknown(username)
    return updated


def delete(connection: Connection, username: str) -> None:
    """Delete an account, which ends its tokens. Raises AccountUnknown, LastAdmin."""
    with _an_admin_stays():
        deleted = connection.execute(
            "delete from accounts where lower(accounts.username) = lower(%s::text)", (username,)
        ).rowcount
    if not deleted:
        raise _unknown(username)


@contextmanager
def _an_admin_stays() -> Iterator[None]:
    try:
        yield
    except errors.IntegrityConstraintViolation:
        raise LastAdmin("The account is the last admin. Give another account the role admin first.") from None


def _unknown(username: str) -> AccountUnknown:
    return AccountUnknown(f"There is no account {username}.")
