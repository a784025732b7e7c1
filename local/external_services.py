"""A database and an S3 that others run, in containers say: the environment names them, and none of ours is started."""

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
    """Return the database that the environment names, if it does; raise ChildFailed for half of one."""
    urls = {name: environment.get(name, "") for name in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    if not any(urls.values()):
        return None
    for name, url in urls.items():
        refuse_without_password(name, url)
    return Database(*urls.values())


def refuse_without_password(name: str, url: str) -> None:
    """Raise unless the URL says who connects, and how: the migrations create the application's role with it."""
    try:
        known = conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # it repeats the URL, password included
        raise ChildFailed(f"{name} is no URL of a Postgres database.") from None
    if not (known.get("user") and known.get("password")):
        raise ChildFailed(f"{name} must name a user and a password; DATABASE_URL and DATABASE_OWNER_URL go together.")


def storage(environment: Mapping[str, str]) -> Storage | None:
    """Return the S3 that the environment names, if it does, with the environment's key or our own."""
    url = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    key_id, key = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if not url:
        return None
    return Storage(url, key_id, key) if key_id and key else Storage(url, *CREDENTIALS)


def check_database(database: Database) -> None:
    """Raise unless the owner can connect; the application's role may be about to be created."""
    try:
        psycopg.connect(database.owner_url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError as error:
        raise ChildFailed(f"DATABASE_OWNER_URL leads to no database: {error}") from None


def create_buckets(storage: Storage, buckets: Iterable[str]) -> None:
    """Make the buckets, unless they are there; raise ChildFailed where S3 is away or refuses.

    Not by boto3, which would mind the developer's AWS profile and proxy.
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
            raise ChildFailed(f"AWS_ENDPOINT_URL leads to no S3 that takes our key: {done.stderr}")
