"""An upgraded database has the same schema as one that starts empty."""

import hashlib

import pytest

from segmentation.database import migrate
from segmentation.database.connection import connect
from tests.conftest import Database
from tests.schema_dump import dump_schema
from tests.upgrade.previous import former_migrations, migrate_with

BOOKKEEPING = """
    create table schema_migrations (
        version integer primary key,
        name text not null,
        checksum text not null,
        applied_at timestamptz not null default now()
    )
"""
REMEMBER = "insert into schema_migrations (version, name, checksum) values (%s, %s, %s)"


def create(server, name):
    made = Database(server, name)
    made.create()
    return made


def apply_former_migrations(of):
    with connect(of.owner_url) as owner:
        owner.execute(BOOKKEEPING)
        for name, text in former_migrations():
            owner.execute(text.encode())
            owner.execute(REMEMBER, (int(name[:4]), name, hashlib.sha256(text.encode()).hexdigest()))


@pytest.fixture(scope="module")
def empty(postgres_server):
    made = create(postgres_server, "empty")
    made.migrate()
    return made


def test_database_of_the_former_migrations_has_the_schema_of_an_empty_one(postgres_server, empty):
    former = create(postgres_server, "former")
    apply_former_migrations(former)

    outcome = former.migrate()

    assert "0010_baseline.sql" not in outcome["applied"]
    assert outcome["schema_version"] == migrate.migrations()[-1].version
    assert dump_schema(former) == dump_schema(empty)


def test_database_of_the_previous_code_has_the_schema_of_an_empty_one(code_before, postgres_server, empty):
    previous = create(postgres_server, "previous")
    migrate_with(code_before, previous)

    previous.migrate()

    assert dump_schema(previous) == dump_schema(empty)
