"""A database and an S3 outside the local run, for example in containers. The environment has their addresses."""

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from local import programs
from local.processes import ChildFailed
from local.settings import CREDENTIALS, Database, Storage

CONNECT_SECONDS = 5
RCLONE = ("--config", os.devnull, "--retries", "1", "--low-level-retries", "1", "--contimeout", f"{CONNECT_SECONDS}s")


def database(environment: Mapping[str, str]) -> Database | None:
    """Return the database of the environment, if any. Raise ChildFailed if one of its two URLs is missing."""
    urls = {name: environment.get(name, "") for name in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    if not any(urls.values()):
        return None
    for name, url in urls.items():
        check_url(name, url)
    return Database(*urls.values())


def check_url(name: str, url: str) -> None:
    """Raise ChildFailed if the URL has no user or password. The migrations create the application's role with them."""
    try:
        known = conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # its message contains the URL with the password
        raise ChildFailed(f"{name} is not the URL of a Postgres database.") from None
    if not (known.get("user") and known.get("password")):
        raise ChildFailed(f"{name} must name a user and a password; DATABASE_URL and DATABASE_OWNER_URL go together.")


def storage(environment: Mapping[str, str]) -> Storage | None:
    """Return the S3 of the environment, if any. Its key is the environment's, or the local one."""
    url = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    key_id, key = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if not url:
        return None
    return Storage(url, key_id, key) if key_id and key else Storage(url, *CREDENTIALS)


def check_database(database: Database) -> None:
    """Raise ChildFailed if the owner cannot connect. The application's role may not exist yet."""
    try:
        psycopg.connect(database.owner_url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError as error:
        raise ChildFailed(f"The database of DATABASE_OWNER_URL cannot be reached: {error}") from None


def create_buckets(storage: Storage, buckets: Iterable[str]) -> None:
    """Create the missing buckets. Raise ChildFailed if S3 cannot be reached or rejects the key.

    rclone does it, because boto3 reads the developer's AWS profile and proxy.
    """
    environment = {
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_ENDPOINT": storage.url,
        "RCLONE_S3_ACCESS_KEY_ID": storage.key_id,
        "RCLONE_S3_SECRET_ACCESS_KEY": storage.key,
    }
    for bucket in buckets:
        command: list[str | Path] = [programs.rclone(), "mkdir", f":s3:{bucket}", *RCLONE]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)  # noqa: S603 - rclone
        if done.returncode:
            raise ChildFailed(f"The S3 of AWS_ENDPOINT_URL cannot be reached, or rejects the key: {done.stderr}")
