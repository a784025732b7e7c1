"""What the environment says, read on first use: importing a handler needs no environment."""

import json
import os

from psycopg.conninfo import make_conninfo

from segmentation.runtime import secrets_manager


def database_conninfo() -> str:
    """Return the connection string of the application's role."""
    return _conninfo("DATABASE")


def database_owner_conninfo() -> str:
    """Return the connection string of the schema's owner, which only the migrations use."""
    return _conninfo("DATABASE_OWNER")


def database_is_pooled() -> bool:
    """Return whether a pooler hands out server connections, so that a session keeps nothing between statements."""
    return os.environ.get("DATABASE_POOLED", "").lower() == "true"


def first_admin() -> dict[str, str] | None:
    """Return the username and the password of the first admin, or None where the deployment names none."""
    text = secrets_manager.named("FIRST_ADMIN")
    return json.loads(text) if text else None


def _conninfo(prefix: str) -> str:
    """Prefer the URL; else combine the secret with the address, over verified TLS."""
    if url := os.environ.get(f"{prefix}_URL"):
        return url
    secret = json.loads(secrets_manager.read(os.environ[f"{prefix}_SECRET_ARN"]))
    return make_conninfo(
        user=secret["username"],
        password=secret["password"],
        host=os.environ.get("DATABASE_HOST") or secret["host"],
        port=os.environ.get("DATABASE_PORT") or secret.get("port", 5432),
        dbname=os.environ.get("DATABASE_NAME") or secret.get("dbname", "segmentation"),
        sslmode="verify-full",
        sslrootcert=os.environ.get("DATABASE_SSL_ROOT_CERT") or "system",
    )
