"""Fixtures for all suites: a real Postgres with the schema, emptied before each test."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from local import postgres, settings
from local.settings import ROOT
from segmentation.database import migrate as database_migrate
from segmentation.database.connection import connect
from tests import failures_at_once, in_memory
from tests.emptying import empty
from tests.fix_aws import aws as aws
from tests.fix_aws import keep_secret as keep_secret
from tests.fix_aws import moto_url as moto_url
from tests.fix_aws import secrets_manager as secrets_manager
from tests.fix_pooler import pooler_port as pooler_port

# Only `make check-api` installs the libraries of tests/api.
collect_ignore = [] if find_spec("playwright") else ["api", "console"]
# Only `make fetch` and `make test-prometheus` install the programs of tests/prometheus.
if not (ROOT / ".local" / "prometheus" / ".made").exists():
    collect_ignore.append("prometheus")
POOLER_SUITE = Path(__file__).with_name("pooler")
LONGEST = {"test_law.py", "test_lifecycle.py", "chaos_worker.py", "chaos_file_worker.py"}

hypothesis.settings.register_profile("patient", deadline=None)  # a busy machine is not a failure
hypothesis.settings.load_profile("patient")

OWNER = "segmentation_owner"
LOGIN = "segmentation_login"
PASSWORD = "not-a-secret"  # noqa: S105 -- of a server on 127.0.0.1 that lives as long as the tests


# Settings of the developer for `make run`. Tests must not use them.
ELSEWHERE = ("DATABASE_URL", "DATABASE_OWNER_URL", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SQS")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pooler", action="store_true", help="let the application connect through PgBouncer")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "direct(reason): needs a connection to one server session")
    failures_at_once.register(config)
    in_memory.use_memory()
    for name in ELSEWHERE:
        os.environ.pop(name, None)
    os.environ["DATABASE_POOLED"] = str(config.getoption("--pooler")).lower()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if collection_path == POOLER_SUITE and not config.getoption("--pooler") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, then with those that have many tests. The processes then end at about one time."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.name not in LONGEST, -tests[item.path], item.path))


def pytest_runtest_setup(item: pytest.Item) -> None:
    direct = item.get_closest_marker("direct")
    if direct and item.config.getoption("--pooler"):
        pytest.skip(direct.kwargs["reason"])


@dataclass(frozen=True)
class Database:
    """One database of the tests' server, with the connection strings of its two roles.

    With --pooler, the application and the migrations connect through PgBouncer. Tests that connect as the owner do not.
    """

    server: postgres.Server
    name: str
    pooler_port: int | None = None

    @property
    def port(self) -> int:
        return self.pooler_port or self.server.port

    @property
    def url(self) -> str:
        return postgres.make_url(self.port, LOGIN, PASSWORD, self.name)

    @property
    def owner_url(self) -> str:
        return self.server.url(user=OWNER, password=PASSWORD, database=self.name)

    def create(self) -> None:
        with psycopg.connect(self.server.url(), autocommit=True) as superuser:
            name = sql.Identifier(self.name)
            superuser.execute(sql.SQL("create database {} owner {}").format(name, sql.Identifier(OWNER)))

    def migrate(self) -> dict[str, object]:
        with connect(postgres.make_url(self.port, OWNER, PASSWORD, self.name)) as owner:
            return database_migrate.migrate(owner, self.url)


def create_owner(server: postgres.Server) -> None:
    with psycopg.connect(server.url(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("create role {} login createrole password {}").format(sql.Identifier(OWNER), sql.Literal(PASSWORD))
        )


@contextmanager
def server_with_owner() -> Iterator[postgres.Server]:
    """Run a server with the owner of the schema. Its passwords are quick to check, because each test connects anew."""
    with postgres.server(settings={"scram_iterations": "1"}) as server:
        create_owner(server)
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    with server_with_owner() as server:
        yield server


@pytest.fixture(scope="session")
def roles(postgres_server: postgres.Server) -> settings.Database:
    """The connection strings of the two roles, without a database."""
    return settings.Database(*(postgres_server.url(user=user, password=PASSWORD) for user in (LOGIN, OWNER)))


@pytest.fixture(scope="session")
def migrated_database(postgres_server: postgres.Server, pooler_port: int | None) -> Database:
    migrated = Database(postgres_server, "segmentation", pooler_port)
    migrated.create()
    migrated.migrate()
    return migrated


@pytest.fixture
def owner(migrated_database: Database) -> Iterator[Connection[TupleRow]]:
    """A connection of the owner of the schema, who may read all tables. The database is empty."""
    with connect(migrated_database.owner_url) as connection:
        empty(connection)
        yield connection


@pytest.fixture
def empty_database(migrated_database: Database, owner: Connection[TupleRow]) -> Database:
    return migrated_database


@pytest.fixture
def superuser(empty_database: Database) -> Iterator[Connection[TupleRow]]:
    """A connection of the superuser, who may turn triggers off and end other sessions."""
    url = empty_database.server.url(database=empty_database.name)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def connection(empty_database: Database) -> Iterator[Connection[TupleRow]]:
    """A connection of the application to an empty database."""
    with connect(empty_database.url) as opened:
        yield opened
