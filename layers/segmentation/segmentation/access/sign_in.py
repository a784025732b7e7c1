"""Sign in: exchange a username and its password for a token."""

from psycopg import Connection

from segmentation.access import accounts, tokens
from segmentation.contract.requests import Credentials
from segmentation.contract.responses import Token


def sign_in(connection: Connection, credentials: Credentials) -> Token:
    """Return a token for an account. Raises CredentialsWrong, TooManyFailures, SigningKeyUnavailable."""
    account = accounts.authenticate(connection, credentials)
    token, expires_in = tokens.issue(account.username, account.role, account.generation)
    _record(connection, account.username)
    return Token(token=token, expires_in=expires_in)


def _record(connection: Connection, username: str) -> None:
    """Record the instant of a sign-in. A locked row is skipped, because a sign-in must not wait for it."""
    connection.execute(
        """
        update accounts
           set last_signed_in_at = clock_timestamp()
         where accounts.account_id = (
               select signed_in.account_id
                 from accounts signed_in
                where lower(signed_in.username) = lower(%s::text)
                  for no key update skip locked)
        """,
        (username,),
    )
