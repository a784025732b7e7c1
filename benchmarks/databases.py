"""Databases for the measurements: one server, one filled template, a new copy for each round."""

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
PASSWORD = "of-a-benchmark"  # noqa: S105 -- of a local server that ends with the benchmark


@dataclass
class Databases:
    """The server, the roles of the service, and the databases that several benchmarks share."""

    server: postgres.Server
    shared: set[str] = field(default_factory=set)

    def url(self, name: str) -> str:
        """Return the connection string of the application for a database."""
        return self.server.url(LOGIN, PASSWORD, name)

    def set_up_memory(self) -> None:
        """Give the server a quarter of the machine's memory, as RDS does.

        With the default of 128 MB, the size of the buffers would dominate the results.
        """
        quarter = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
        self._run(sql.SQL("alter system set shared_buffers = {}"), sql.Literal(f"{quarter // 2**20}MB"))
        self.server.stop()
        self._start_again()

    def create_owner(self) -> None:
        """Create the role that owns the databases. Call this once per server."""
        self._run(sql.SQL("create role {} login createrole password {}"), sql.Identifier(OWNER), sql.Literal(PASSWORD))

    @contextmanager
    def filled(self, name: str) -> Iterator[Connection]:
        """Create a database with the schema. The block fills it while the triggers are off."""
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
        """Copy a database for one round, and connect to the copy as the application."""
        copy = f"{name}_copy"
        self._run(
            sql.SQL("create database {} template {} strategy file_copy"), sql.Identifier(copy), sql.Identifier(name)
        )
        self._run(sql.SQL("checkpoint"))
        with connect(self.url(copy)) as connection:
            yield connection
        self.drop(copy)

    def superuser(self, name: str) -> Connection:
        """Connect as the superuser."""
        return psycopg.connect(self.server.url(database=name), autocommit=True, prepare_threshold=1)

    def drop(self, name: str) -> None:
        """Remove a database."""
        self._run(sql.SQL("drop database {}"), sql.Identifier(name))

    @contextmanager
    def without_full_pages(self) -> Iterator[None]:
        """Turn full_page_writes off until the block ends. Aurora has none."""
        self._run(sql.SQL("alter system set full_page_writes = off"))
        self._run(sql.SQL("select pg_reload_conf()"))
        try:
            yield
        finally:
            self._run(sql.SQL("alter system reset full_page_writes"))
            self._run(sql.SQL("select pg_reload_conf()"))

    def cool_down(self) -> None:
        """Restart the server and drop its files from the page cache, so that the next read is from the disk."""
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
