"""The SQL of docs/how-to/deploy.md, on a server whose administrator is not a superuser, as on RDS."""

import re
from textwrap import dedent

import psycopg
import pytest
from psycopg import errors

from local import postgres
from local.settings import ROOT
from segmentation.database import migrate as database_migrate
from segmentation.database.connection import connect
from tests.conftest import OWNER, PASSWORD

GUIDE = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
MAKE_DATABASE, ADMIT_OTHER_OWNER = (dedent(block) for block in re.findall(r" *```sql\n(.*?)```", GUIDE, re.DOTALL))
OTHER_OWNER = "other_owner"
NEWEST = database_migrate.migrations()[-1].version


@pytest.fixture(scope="module")
def server():
    with postgres.server() as running:
        run(running.url(), f"create role master login createrole createdb password '{PASSWORD}'")
        yield running


@pytest.fixture(scope="module")
def migrated(server):
    make_database(server, MAKE_DATABASE)
    return migrate(server, OWNER, "segmentation")


@pytest.fixture(scope="module")
def others_database(server, migrated):
    make_database(server, MAKE_DATABASE.replace(OWNER, OTHER_OWNER).replace("database segmentation", "database other"))
    return "other"


def run(url, statements):
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements.strip().strip(";").split(";"):
            connection.execute(statement)


def make_database(server, statements):
    run(server.url("master", PASSWORD), statements.replace("…", PASSWORD))


def migrate(server, owner, name):
    with connect(server.url(owner, PASSWORD, name)) as connection:
        return database_migrate.migrate(connection, server.url(f"{name}_application", PASSWORD, name))


def test_printed_sql_creates_a_database_that_can_be_migrated(migrated):
    assert migrated["schema_version"] == NEWEST


def test_another_owner_can_migrate_after_the_first_owner_admits_it(server, others_database):
    with pytest.raises(errors.InsufficientPrivilege, match="segmentation_app"):
        migrate(server, OTHER_OWNER, others_database)

    run(server.url(OWNER, PASSWORD), ADMIT_OTHER_OWNER)

    assert migrate(server, OTHER_OWNER, others_database)["schema_version"] == NEWEST
