"""A caller's own password."""

from psycopg import Connection

from segmentation.access import accounts, passwords
from segmentation.access.permissions import Caller
from segmentation.contract.problems import AccountUnknown, CredentialsWrong
from segmentation.contract.requests import Credentials, PasswordChange


def change(connection: Connection, caller: Caller, wanted: PasswordChange) -> None:
    """Replace the caller's password, which ends the account's tokens. The present one is checked as at a sign-in.

    Raises CredentialsWrong, TooManyFailures, and AccountUnknown for callers of an OpenID provider.
    """
    if caller.generation is None:
        raise AccountUnknown("The caller has no account here, so there is no password to change.")
    account = accounts.authenticate(connection, Credentials(username=caller.subject, password=wanted.password))
    if not _replace(connection, account, passwords.hashed(wanted.new_password)):
        raise CredentialsWrong()  # another request has changed the password since the check


def _replace(connection: Connection, account: accounts.Account, password_hash: str) -> int:
    return connection.execute(
        """
        update accounts
           set password_hash = %s::text
         where lower(accounts.username) = lower(%s::text) and accounts.password_hash = %s::text
        """,
        (password_hash, account.username, account.password_hash),
    ).rowcount
