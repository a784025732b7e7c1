"""A primary with the service's database, and standbys of it that a test may delay, kill and promote."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from local import ports, postgres, standby
from local.postgres import Server
from segmentation.database.connection import connect
from tests.conftest import Database, create_owner

PATIENCE_SECONDS = 20


def start_primary(directory: Path) -> Database:
    """Start a server that can have standbys, with the migrated database of the service."""
    server = postgres.start(directory / "primary", "not-a-secret", durable=False, settings=standby.PRIMARY_SETTINGS)
    create_owner(server)
    database = Database(server, "segmentation")
    database.create()
    database.migrate()
    return database


@dataclass
class Standby:
    """A standby that keeps its port when it is started again."""

    primary: Database
    directory: Path
    port: int
    server: Server | None = None

    @classmethod
    def of(cls, primary: Database, directory: Path) -> "Standby":
        return cls(primary, directory, ports.free())

    @property
    def address(self) -> str:
        """The address as in DATABASE_READ_HOST."""
        return f"{ports.HOST}:{self.port}"

    @property
    def database(self) -> Database:
        return Database(self.server, self.primary.name)

    def start(self, **settings: str) -> None:
        """Copy the primary, and follow it."""
        self.server = standby.start(
            self.primary.server,
            self.directory / f"standby-{self.port}",
            port=self.port,
            durable=False,
            settings=settings,
        )

    def kill(self) -> None:
        kill(self.server)

    def promote(self) -> None:
        """Make the standby a primary."""
        self.ask("select pg_promote(true, 60)")

    def catch_up(self) -> None:
        """Wait until all that the primary has written can be read here."""
        written = flush(self.primary.server)
        self.wait_for(f"select pg_last_wal_replay_lsn() >= '{written}'::pg_lsn")

    def receive_all(self) -> None:
        """Wait until all that the primary has written is here, replayed or not."""
        written = flush(self.primary.server)
        self.wait_for(f"select pg_last_wal_receive_lsn() >= '{written}'::pg_lsn")

    def wait_for(self, condition: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.ask(condition) != [(True,)]:
            assert time.monotonic() < deadline, condition
            time.sleep(0.01)

    def ask(self, query: str) -> list[tuple]:
        return ask(self.server, query)

    def lag(self) -> float | None:
        """The lag as the application's role sees it."""
        with connect(self.database.url) as connection:
            [(lag,)] = connection.execute("select replay_lag()").fetchall()
        return lag

    def stop(self) -> None:
        if self.server:
            self.server.stop()


def ask(server: Server, query: str) -> list[tuple]:
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        answer = superuser.execute(query)
        return answer.fetchall() if answer.description else []


def flush(server: Server) -> str:
    """Write all changes of a server to its log, and return the position behind them.

    Without a synchronous commit, the last bytes of the log stay in memory while the server is idle.
    """
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        superuser.execute("set synchronous_commit = on")
        superuser.execute("select pg_logical_emit_message(true, 'tests', 'after all changes')")
        [(position,)] = superuser.execute("select pg_logical_emit_message(true, 'tests', 'flush')").fetchall()
    return position


def kill(server: Server) -> None:
    """Stop at once, without a message to the clients or to other servers."""
    os.kill(int(postgres.read_lock(server.data)[0]), signal.SIGQUIT)
    server.process.supervisor.wait(30)
    server.stop()
