"""The settings of an environment. No other module reads environment variables.

A setting is read at its use, so a handler can be imported without any environment.
"""

import json
import os
from dataclasses import dataclass

from segmentation.runtime import secrets_manager

DEFAULT_TOKEN_SECONDS = 3600
DEFAULT_ROLE_CLAIM = "roles"
DEFAULT_READ_LAG_SECONDS = 10


@dataclass(frozen=True)
class OpenIdProvider:
    """An external OpenID provider: its issuer, the audience of this API, and the claim with the role."""

    issuer: str
    audience: str
    role_claim: str


def service_name() -> str:
    """Return the service's name in logs and metrics."""
    return os.environ.get("POWERTOOLS_SERVICE_NAME", "segmentation")


def log_percent() -> int:
    """Return the share of ordinary requests that write their log line: a divisor of 100."""
    return int(os.environ.get("LOG_PERCENT", "100"))


def database_conninfo() -> str:
    """Return the connection string of the application's role. Raises SecretUnreadable."""
    return _conninfo("DATABASE")


def database_owner_conninfo() -> str:
    """Return the connection string of the schema's owner. Only migrations use it. Raises SecretUnreadable."""
    return _conninfo("DATABASE_OWNER")


def database_is_pooled() -> bool:
    """Return whether a pooler shares the connections. A session then keeps nothing between statements."""
    return os.environ.get("DATABASE_POOLED", "").lower() == "true"


def database_read_conninfo() -> str:
    """Return the connection string of the application's role at the reader. Raises SecretUnreadable.

    It is that of the writer with another host, and with another port if the host names one.
    """
    from psycopg.conninfo import make_conninfo  # here: the authorizer uses settings, and must not load psycopg

    host, colon, port = (database_read_host() or "").partition(":")
    return make_conninfo(database_conninfo(), host=host, **({"port": port} if colon else {}))


def database_read_host() -> str | None:
    """Return the host of the database's readers, or None if the deployment has none."""
    return os.environ.get("DATABASE_READ_HOST") or None


def max_read_lag_seconds() -> float:
    """Return how far a reader may be behind the writer and still be used."""
    return float(os.environ.get("DATABASE_READ_MAX_LAG", DEFAULT_READ_LAG_SECONDS))


def first_admin() -> dict[str, str] | None:
    """Return the username and the password of the first admin, or None if the deployment names none."""
    text = secret("FIRST_ADMIN")
    return json.loads(text) if text else None


def signing_keys() -> str:
    """Return the JSON text with the keys that sign tokens. Raises SecretUnreadable."""
    return secret("SIGNING_KEYS") or "{}"


def token_seconds() -> int:
    """Return the lifetime of a new token, in seconds."""
    return int(os.environ.get("TOKEN_SECONDS", DEFAULT_TOKEN_SECONDS))


def openid_provider() -> OpenIdProvider | None:
    """Return the external OpenID provider, or None if the deployment names none."""
    issuer = os.environ.get("OIDC_ISSUER")
    if not issuer:
        return None
    return OpenIdProvider(issuer, os.environ["OIDC_AUDIENCE"], os.environ.get("OIDC_ROLE_CLAIM") or DEFAULT_ROLE_CLAIM)


def reports_bucket() -> str:
    """Return the name of the S3 bucket that holds the reports."""
    return os.environ["REPORTS_BUCKET"]


def s3_endpoint() -> str | None:
    """Return the URL of another S3 than that of AWS, or None."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def region() -> str:
    """Return the region of AWS in which the functions run."""
    return os.environ.get("AWS_REGION") or os.environ["AWS_DEFAULT_REGION"]


def jobs_queue_url() -> str:
    """Return the URL of the queue of jobs."""
    return os.environ["JOBS_QUEUE_URL"]


def jobs_dead_letters_url() -> str:
    """Return the URL of the queue of dead letters."""
    return os.environ["JOBS_DEAD_LETTERS_URL"]


def event_bus_name() -> str | None:
    """Return the EventBridge bus that gets the events, or None if the deployment names none."""
    return os.environ.get("EVENT_BUS_NAME") or None


def secret(name: str) -> str | None:
    """Return the text of a variable (as in a local run), or of the secret that it names, or None.

    `NAME` holds the text itself, `NAME_SECRET_ARN` names a secret. Raises SecretUnreadable.
    """
    if text := os.environ.get(name):
        return text
    arn = os.environ.get(f"{name}_SECRET_ARN")
    return _read_secret(arn) if arn else None


def _conninfo(prefix: str) -> str:
    """Return the URL if there is one. Otherwise combine the secret with the address, over verified TLS."""
    if url := os.environ.get(f"{prefix}_URL"):
        return url
    from psycopg.conninfo import make_conninfo  # here: the authorizer uses settings, and must not load psycopg

    login = json.loads(_read_secret(os.environ[f"{prefix}_SECRET_ARN"]))
    return make_conninfo(
        user=login["username"],
        password=login["password"],
        host=os.environ.get("DATABASE_HOST") or login["host"],
        port=os.environ.get("DATABASE_PORT") or login.get("port", 5432),
        dbname=os.environ.get("DATABASE_NAME") or login.get("dbname", "segmentation"),
        sslmode="verify-full",
        sslrootcert=os.environ.get("DATABASE_SSL_ROOT_CERT") or "system",
    )


def _read_secret(arn: str) -> str:
    return secrets_manager.read(arn, os.environ)
