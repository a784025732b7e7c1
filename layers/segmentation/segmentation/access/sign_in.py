"""Sign in: exchange a username and its password for a token."""

from psycopg import Connection

from segmentation.access import accounts, tokens
from segmentation.contract.requests import Credentials
from segmentation.contract.responses import Token


def sign_in(connection: Connection, credentials: Credentials) -> Token:
    """Return a token for an account. Raises CredentialsWrong, TooManyFailures, SigningKeyUnavailable."""
    account = accounts.authenticate(connection, credentials)
    token, expires_in = tokens.issue(account.username, account.role)
    return Token(token=token, expires_in=expires_in)
