"""Databases to measure on: one server, one filled template, a fresh copy for every round."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import Connection, sql

from local import postgres
from segmentation.database import migrate
from segmentation.database.connection import connect

OWNER = "segmentation_owner"
LOGIN = "segmentation_login"
PASSWORD = "of-a-benchmark"  # noqa: S105 -- of a server on 127.0.0.1 that ends with the benchmark


@dataclass
class Databases:
    """The server, the roles that the service has on it, and the databases that several benchmarks share."""

    server: postgres.Server
    shared: set[str] = field(default_factory=set)

    def url(self, name: str) -> str:
        """Return where the application connects to a database."""
        return self.server.url(LOGIN, PASSWORD, name)

    def set_up_memory(self) -> None:
        """Give the server a quarter of the machine's memory, as RDS does; with 128 MB, those are what is measured."""
        quarter = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
        self._run(sql.SQL("alter system set shared_buffers = {}"), sql.Literal(f"{quarter // 2**20}MB"))
        self.server.stop()
        self._start_again()

    def create_owner(self) -> None:
        """Make the role that owns the databases; once a server."""
        self._run(sql.SQL("create role {} login createrole password {}"), sql.Identifier(OWNER), sql.Literal(PASSWORD))

    @contextmanager
    def filled(self, name: str) -> Iterator[Connection]:
        """Make a database with the schema in it, which the block fills with the triggers switched off."""
        self._run(sql.SQL("create database {} owner {}"), sql.Identifier(name), sql.Identifier(OWNER))
        with connect(self.server.url(OWNER, PASSWORD, name)) as owner:
            migrate.migrate(owner, self.url(name))
        with self.superuser(name) as superuser:
            superuser.execute("set session_replication_role = replica")
            yield superuser
            superuser.execute("vacuum (analyze, freeze)")
            superuser.execute("checkpoint")

    @contextmanager
    def copy(self, name: str) -> Iterator[Connection]:
        """Connect as the application to a copy of a database, made for one round; its name is on the connection."""
        copy = f"{name}_copy"
        self._run(
            sql.SQL("create database {} template {} strategy file_copy"), sql.Identifier(copy), sql.Identifier(name)
        )
        self._run(sql.SQL("checkpoint"))
        with connect(self.url(copy)) as connection:
            yield connection
        self.drop(copy)

    def superuser(self, name: str) -> Connection:
        """Connect as the superuser, who may do what no service should."""
        return psycopg.connect(self.server.url(database=name), autocommit=True, prepare_threshold=1)

    def drop(self, name: str) -> None:
        """Remove a database."""
        self._run(sql.SQL("drop database {}"), sql.Identifier(name))

    @contextmanager
    def without_full_pages(self) -> Iterator[None]:
        """Log no page as a whole until the block ends, as Aurora does not."""
        self._run(sql.SQL("alter system set full_page_writes = off"))
        self._run(sql.SQL("select pg_reload_conf()"))
        try:
            yield
        finally:
            self._run(sql.SQL("alter system reset full_page_writes"))
            self._run(sql.SQL("select pg_reload_conf()"))

    def cool_down(self) -> None:
        """Restart the server and ask the system to forget its files: the next read is from the disk."""
        self.server.stop()
        for path in Path(self.server.data, "base").glob("*/[0-9]*"):
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self._start_again()

    def _start_again(self) -> None:
        self.server = postgres.start(self.server.data, self.server.password, port=self.server.port)

    def _run(self, statement: sql.SQL, *parts: sql.Composable) -> None:
        with psycopg.connect(self.server.url(), autocommit=True) as superuser:
            superuser.execute(statement.format(*parts))


@contextmanager
def opened() -> Iterator[Databases]:
    """Run a server with fsync on until the block ends."""
    with postgres.throw_away_directory() as temporary:
        databases = Databases(postgres.start(temporary / "postgres", PASSWORD))
        try:
            databases.set_up_memory()
            databases.create_owner()
            yield databases
        finally:
            databases.server.stop()
