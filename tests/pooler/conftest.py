"""The service behind its own PgBouncer, which each test configures and starts."""

from dataclasses import replace

import pytest

from segmentation.database import connection
from tests.chaos.stoppable_server import stoppable_server as stoppable_server
from tests.fix_pooler import Pooler


@pytest.fixture
def pooler(roles, tmp_path):
    pooler = Pooler(roles, tmp_path / "pgbouncer")
    yield pooler
    pooler.stop()


@pytest.fixture
def pooled_database(empty_database, pooler):
    return replace(empty_database, pooler_port=pooler.port)


@pytest.fixture
def service(pooled_database, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", pooled_database.url)
    yield
    connection.close()
