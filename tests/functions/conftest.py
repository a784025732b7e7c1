"""The service as in a Lambda environment: one connection of the process, here to an empty database."""

from collections.abc import Iterator

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from local import ports
from segmentation.access import signing_keys, standing
from segmentation.database import connection
from tests.emptying import empty
from tests.fix_hashes import fast_hashes as fast_hashes
from tests.fix_log import log as log


@pytest.fixture
def service(empty_database, monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("DATABASE_URL", empty_database.url)
    monkeypatch.setenv("SIGNING_KEYS", '{"current": "a-key-of-these-tests-and-of-nothing-else"}')
    signing_keys.forget()
    standing.forget()
    yield
    connection.close()


@pytest.fixture(scope="module")
def shared_service(migrated_database) -> Iterator[Connection[TupleRow]]:
    """The service, for a module with tests that write nothing: one empty database. Return the owner's connection."""
    with pytest.MonkeyPatch.context() as patch, connection.connect(migrated_database.owner_url) as owner:
        empty(owner)
        standing.forget()
        patch.setenv("DATABASE_URL", migrated_database.url)
        yield owner
    connection.close()


@pytest.fixture
def callers_stand(monkeypatch) -> None:
    """Let each caller pass the check of its account. The database of the test has no accounts."""
    monkeypatch.setattr(standing, "_is_current", lambda *_: True)


@pytest.fixture
def unreachable_database(monkeypatch) -> Iterator[None]:
    """Replace the address of the database by one where no server listens."""
    connection.close()
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:not-a-secret@127.0.0.1:{ports.free()}/segmentation")
    yield
    connection.close()


@pytest.fixture
def stop_clock(service, owner):
    """Stop the database's clock for the service's connection, at a distance from an instant."""
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
        # a function of ours hides the one of pg_catalog if its schema comes first
        connection.get_connection().execute("set search_path to stopped, pg_catalog, public")

    yield stop
    owner.execute("drop schema stopped cascade")
