"""The service as a Lambda environment has it: an empty database, and one connection of the process to it."""

from collections.abc import Iterator

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from local import ports
from segmentation.access import signing_keys
from segmentation.database import connection
from tests.emptying import empty
from tests.fix_log import log as log


@pytest.fixture
def service(empty_database, monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("DATABASE_URL", empty_database.url)
    monkeypatch.setenv("SIGNING_KEYS", '{"current": "a-key-of-these-tests-and-of-nothing-else"}')
    signing_keys.forget()
    yield
    connection.close()


@pytest.fixture(scope="module")
def standing_service(migrated_database) -> Iterator[Connection[TupleRow]]:
    """The service for a module whose tests write nothing: emptied once; the owner looks into it."""
    with pytest.MonkeyPatch.context() as patch, connection.connect(migrated_database.owner_url) as owner:
        empty(owner)
        patch.setenv("DATABASE_URL", migrated_database.url)
        yield owner
    connection.close()


@pytest.fixture
def away(monkeypatch) -> Iterator[None]:
    """Nothing listens where the database should be."""
    connection.close()
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:not-a-secret@127.0.0.1:{ports.free()}/segmentation")
    yield
    connection.close()


@pytest.fixture
def stop_clock(service, owner):
    """Let the service's connection see the database's clock stand at an instant, or so much from it."""
    owner.execute("create schema stopped")
    owner.execute("create table stopped.clock (instant timestamptz)")
    owner.execute(
        """
        create function stopped.now() returns timestamptz stable security definer
        language sql return (select clock.instant from stopped.clock)
        """
    )
    owner.execute("grant usage on schema stopped to public")

    def stop(instant, distance):
        owner.execute("insert into stopped.clock values (%s::timestamptz + %s::interval)", (instant, distance))
        # a schema named before pg_catalog comes before it
        connection.get_connection().execute("set search_path to stopped, pg_catalog, public")

    yield stop
    owner.execute("drop schema stopped cascade")
