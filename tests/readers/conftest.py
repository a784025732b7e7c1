"""The service with a reader: a primary, and a hot standby of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import postgres
from segmentation.access import standing
from segmentation.database import connection, readers
from tests.conftest import Database
from tests.emptying import empty
from tests.fix_log import log as log
from tests.readers.replication import Standby, start_primary


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with postgres.throw_away_directory() as directory:
        yield directory


@pytest.fixture(scope="module")
def primary(folder) -> Iterator[Database]:
    database = start_primary(folder)
    yield database
    database.server.stop()


@pytest.fixture(scope="module")
def following(primary, folder) -> Iterator[Standby]:
    """A standby for the tests that leave it as it is."""
    standby = Standby.of(primary, folder)
    standby.start()
    yield standby
    standby.stop()


@pytest.fixture
def own_standby(primary, folder) -> Iterator[Standby]:
    """A standby of one test, which starts it."""
    standby = Standby.of(primary, folder)
    yield standby
    standby.stop()


@pytest.fixture
def owner(primary):
    with connection.connect(primary.owner_url) as opened:
        empty(opened)
        yield opened


@pytest.fixture
def service(primary, owner, monkeypatch) -> Iterator[None]:
    """The service on an empty database. It has no reader yet."""
    monkeypatch.setenv("DATABASE_URL", primary.url)
    standing.forget()
    readers.close()
    yield
    connection.close()
    readers.close()


@pytest.fixture
def read_from(service, monkeypatch):
    """Return a function that gives the service a reader."""

    def read(standby: Standby, max_lag: float = 3600) -> None:
        readers.close()
        monkeypatch.setenv("DATABASE_READ_HOST", standby.address)
        monkeypatch.setenv("DATABASE_READ_MAX_LAG", str(max_lag))

    return read


@pytest.fixture
def without_writer(monkeypatch):
    """Return a function after whose call a request that asks the writer fails."""

    def forbid() -> None:
        for name in ("get_connection", "get_cursor"):
            monkeypatch.setattr(readers, name, _forbidden)

    return forbid


def _forbidden():
    raise AssertionError("this request needs the writer")
