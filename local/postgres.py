"""An embedded Postgres server on 127.0.0.1, for the local run and, with temporary data, for the tests."""

import os
import secrets
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from local import ports, processes, programs, unprivileged
from local.processes import Account, Child

SUPERUSER = "postgres"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C", "TZ": "UTC"}
START_SECONDS = 30
SETTINGS = {
    "listen_addresses": ports.HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "wal_level": "minimal",  # a server with a standby has other settings
    "max_wal_senders": "0",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Server:
    """A running server and its superuser's password."""

    process: Child
    port: int
    password: str
    data: Path

    def url(self, user: str = SUPERUSER, password: str | None = None, database: str = "postgres") -> str:
        """Return a libpq URI. The default password is the superuser's."""
        return make_url(self.port, user, self.password if password is None else password, database)

    def stop(self) -> None:
        """Disconnect the clients, write everything to disk, and stop."""
        self.process.stop()


def make_url(port: int, user: str, password: str, database: str) -> str:
    """Return a libpq URI."""
    user, password, database = (quote(part, safe="") for part in (user, password, database))
    return f"postgresql://{user}:{password}@{ports.HOST}:{port}/{database}"


@contextmanager
def server(
    data_directory: Path | None = None, *, durable: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a server during the block. Without a directory, its data is temporary."""
    with throw_away_directory() as temporary:
        data = data_directory or temporary / "postgres"
        running = start(data, secrets.token_urlsafe(), durable=durable, settings=settings)
        try:
            yield running
        finally:
            running.stop()


@contextmanager
def throw_away_directory() -> Iterator[Path]:
    """Make a temporary directory that the server's user can enter. Remove it with its content after the block."""
    directory = Path(tempfile.mkdtemp(prefix="segmentation-"))
    try:
        directory.chmod(0o711)
        yield directory
    finally:
        unprivileged.remove(directory)


def start(
    data_directory: Path,
    password: str,
    *,
    port: int | None = None,
    durable: bool = True,
    log: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Server:
    """Start a server, and wait until it is ready. The first start creates its data, with the superuser's password.

    Root starts the server as an unprivileged user. If that user cannot enter the directory, the data is in a fallback
    directory: see `local.unprivileged`.
    """
    account = unprivileged.account()
    binaries = programs.postgres(account)
    data = unprivileged.reachable_path(data_directory, account)
    if not data.exists():
        initialise(binaries, data, password, account, durable=durable)
    wait_for_previous_server(data)
    port = port or ports.free()
    chosen = SETTINGS | {"port": str(port)} | ({} if durable else NOT_DURABLE) | dict(settings or {})
    process = processes.start(
        "Postgres",
        [binaries / "postgres", "-D", data, *(f"--{name}={value}" for name, value in chosen.items())],
        log=log or data_directory.with_suffix(".log"),
        environment=ENVIRONMENT,
        account=account,
        directory=Path("/"),
        stop_signal=signal.SIGINT,  # fast mode: does not wait for the clients
        grace_seconds=START_SECONDS,
    )
    try:
        wait_until_ready(process, data, port)
    except BaseException:
        process.stop()
        raise
    return Server(process, port, password, data)


def initialise(binaries: Path, data: Path, password: str, account: Account | None, *, durable: bool) -> None:
    """Create the data under another name, and rename it when it is complete. Incomplete data is never used."""
    unfinished = unprivileged.make_directory(data.with_suffix(".unfinished"), account)
    password_file = unfinished.with_suffix(".password")
    write_secret(password_file, password, account)
    try:
        run_initdb(binaries, unfinished, password_file, account, [] if durable else ["--no-sync"])
    finally:
        password_file.unlink()
    unfinished.rename(data)


def write_secret(path: Path, text: str, account: Account | None) -> None:
    """Write a file that only its reader can read, from the moment it exists."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)
    if account:
        os.chown(path, account.user, account.group)


def run_initdb(binaries: Path, data: Path, password_file: Path, account: Account | None, options: list[str]) -> None:
    """Run initdb as the user. If interrupted, stop the processes that it started."""
    child = processes.start(
        "initdb",
        [
            *(binaries / "initdb", "--pgdata", data, "--pwfile", password_file, "--username", SUPERUSER),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-instructions", *options),
        ],
        log=data.with_suffix(".log"),
        environment=ENVIRONMENT,
        account=account,
        directory=Path("/"),
    )
    child.finish()


def wait_for_previous_server(data: Path) -> None:
    """Wait for the server of a killed run to end. Remove the lock file of a server that is gone.

    Postgres does the same, unless another process of its user has the old process id.
    """
    deadline = time.monotonic() + START_SECONDS
    while lock := read_lock(data):
        if not ports.listening(int(lock[3])):
            (data / "postmaster.pid").unlink(missing_ok=True)
        elif time.monotonic() > deadline:
            raise processes.ChildFailed(f"Another Postgres, process {lock[0]}, uses {data}.")
        time.sleep(0.02)


def wait_until_ready(process: Child, data: Path, port: int) -> None:
    """Return when the server accepts connections. Raise ChildFailed if it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not (lock := read_lock(data)) or lock[3] != str(port) or "ready" not in lock[-1]:
        if not process.running():
            raise process.failure("ended")
        if time.monotonic() > deadline:
            raise process.failure("did not become ready")
        time.sleep(0.01)


def read_lock(data: Path) -> list[str]:
    """Read the fields of Postgres's lock file: process, directory, start, port, socket, address, memory, status."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []
    return lines if len(lines) > 7 else []
