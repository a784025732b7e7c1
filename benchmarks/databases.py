"""Databases to measure on: one server, one filled template, a fresh copy for every round."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import Connection, sql

from local import postgres
from segmentation import database, schema

OWNER = "segmentation_owner"
LOGIN = "segmentation_login"
PASSWORD = "of-a-benchmark"  # noqa: S105 -- of a server on 127.0.0.1 that ends with the benchmark
TEMPLATE = "filled"


@dataclass(frozen=True)
class Databases:
    """The server, and who may do what on it."""

    server: postgres.Server

    def url(self, name: str) -> str:
        """Return where the application connects to a database."""
        return self.server.url(LOGIN, PASSWORD, name)

    @contextmanager
    def filled(self) -> Iterator[Connection]:
        """Make the template: the schema is in it, and the block fills it with triggers off."""
        self._run(sql.SQL("create role {} login createrole password {}"), sql.Identifier(OWNER), sql.Literal(PASSWORD))
        self._run(sql.SQL("create database {} owner {}"), sql.Identifier(TEMPLATE), sql.Identifier(OWNER))
        with database.connect(self.server.url(OWNER, PASSWORD, TEMPLATE)) as owner:
            schema.migrate(owner, self.url(TEMPLATE))
        with psycopg.connect(self.server.url(database=TEMPLATE), autocommit=True) as superuser:
            superuser.execute("set session_replication_role = replica")
            yield superuser
            superuser.execute("vacuum (analyze, freeze)")

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Copy the template for one round, and give the name of the copy."""
        name = sql.Identifier("round")
        self._run(sql.SQL("create database {} template {} strategy file_copy"), name, sql.Identifier(TEMPLATE))
        self._run(sql.SQL("checkpoint"))
        yield "round"
        self._run(sql.SQL("drop database {}"), name)

    def _run(self, statement: sql.SQL, *parts: sql.Composable) -> None:
        with psycopg.connect(self.server.url(), autocommit=True) as superuser:
            superuser.execute(statement.format(*parts))
