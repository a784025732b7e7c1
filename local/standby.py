"""A hot standby of the embedded Postgres server: it follows the server, and answers requests that only read."""

from collections.abc import Mapping
from pathlib import Path

from local import ports, postgres, processes, programs, unprivileged
from local.postgres import Server

PRIMARY_SETTINGS = {"wal_level": "replica", "max_wal_senders": "8", "wal_keep_size": "256MB"}
"""The settings of a server with standbys. It keeps some log for a standby that was disconnected."""

SETTINGS = {"hot_standby": "on", "wal_receiver_timeout": "10s", "wal_retrieve_retry_interval": "200ms"}
"""A connection that broke without a sign counts until the timeout has passed."""


def start(
    primary: Server,
    data_directory: Path,
    *,
    port: int | None = None,
    log: Path | None = None,
    durable: bool = True,
    settings: Mapping[str, str] | None = None,
) -> Server:
    """Copy the data of a running server into a new folder, start a standby on it, and wait until it answers."""
    copy(primary, data_directory)
    return postgres.start(
        data_directory,
        primary.password,
        port=port,
        durable=durable,
        log=log,
        settings={**PRIMARY_SETTINGS, **SETTINGS, **(settings or {})},
    )


def copy(primary: Server, data_directory: Path) -> None:
    """Copy the data of a running server. What exists under the folder's name is removed."""
    account = unprivileged.account()
    data = unprivileged.reachable_path(data_directory, account)
    unprivileged.make_directory(data, account)
    address = f"host={ports.HOST} port={primary.port} user={postgres.SUPERUSER}"
    child = processes.start(
        "pg_basebackup",
        [
            *(programs.postgres(account) / "pg_basebackup", "--pgdata", data, "--write-recovery-conf", "--no-sync"),
            *("--checkpoint", "fast", "--wal-method", "stream", "--dbname", address),
        ],
        log=data_directory.with_suffix(".copy.log"),
        environment={**postgres.ENVIRONMENT, "PGPASSWORD": primary.password},
        account=account,
        directory=Path("/"),
    )
    child.finish()
