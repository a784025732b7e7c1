"""The service behind a PgBouncer of its own, which each test starts as it wants it."""

from dataclasses import replace

import pytest

from segmentation.database import connection
from tests.chaos.breakable import breakable as breakable
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
