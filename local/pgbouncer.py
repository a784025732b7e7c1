"""PgBouncer in transaction mode on 127.0.0.1, with the configuration that docs/pgbouncer/ ships."""

import signal
from collections.abc import Mapping
from configparser import ConfigParser
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from local import ports, postgres, processes, unprivileged
from local.processes import Child
from local.settings import INSTALLED, ROOT, Database

PROGRAM = INSTALLED / "pgbouncer" / "bin" / "pgbouncer"
SHIPPED = ROOT / "docs" / "pgbouncer" / "pgbouncer.ini"
POOL_SIZE = 4
"""Low enough that the connections of a test, or of a function's environments, share server connections."""


def start(behind: Database, folder: Path, port: int, *, log: Path, **changed: object) -> Child:
    """Start PgBouncer in front of a database, with the two roles of its URLs. Return when it listens."""
    login = conninfo_to_dict(behind.url)
    known = [(role["user"], role["password"]) for role in (login, conninfo_to_dict(behind.owner_url))]
    folder.mkdir(parents=True, exist_ok=True)
    users, configuration = folder / "userlist.txt", folder / "pgbouncer.ini"
    postgres.write_secret(users, "".join(f"{_quoted(name)} {_quoted(key)}\n" for name, key in known), None)
    _write(configuration, f"host={login['host']} port={login['port']}", users, {"listen_port": port, **changed})
    child = processes.start(
        "PgBouncer",
        [PROGRAM, configuration],
        log=log,
        environment=postgres.ENVIRONMENT,
        stop_signal=signal.SIGQUIT,  # stops at once: since 1.23, SIGTERM makes it wait for its clients
    )
    processes.wait_until_listening(child, port)
    return child


def in_front_of(database: Database, port: int) -> Database:
    """Return how the two roles connect through PgBouncer."""
    return Database(*(make_conninfo(url, host=ports.HOST, port=port) for url in (database.url, database.owner_url)))


def _write(configuration: Path, server: str, users: Path, changed: Mapping[str, object]) -> None:
    parser = ConfigParser(interpolation=None)
    parser.read(SHIPPED)
    parser["databases"]["*"] = server
    account = unprivileged.account()
    settings = {
        "listen_addr": ports.HOST,
        "unix_socket_dir": "",
        "auth_file": users,
        "default_pool_size": POOL_SIZE,
        "client_tls_sslmode": "disable",
        "server_tls_sslmode": "disable",
        **({"user": account.name} if account else {}),  # like Postgres, it refuses to run as root
        **changed,
    }
    parser["pgbouncer"].update({name: str(value) for name, value in settings.items()})
    with configuration.open("w") as file:
        parser.write(file)


def _quoted(text: object) -> str:
    return '"{}"'.format(str(text).replace('"', '""'))
