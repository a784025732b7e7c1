"""Migrations: once, in order, whoever runs them and however often."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from functions.run_job.app import KINDS
from segmentation.database import migrate
from segmentation.database.connection import connect
from segmentation.jobs import leases, worker
from tests.conftest import Database


@pytest.fixture
def fresh_database(postgres_server, pooler_port, request):
    fresh = Database(postgres_server, f"fresh_{abs(hash(request.node.name))}", pooler_port)
    fresh.create()
    return fresh


def test_first_run_applies_everything_and_the_second_nothing(fresh_database):
    first = fresh_database.migrate()

    second = fresh_database.migrate()

    assert first["applied"] == [step.name for step in migrate.migrations()]
    assert second == {"schema_version": first["schema_version"], "applied": []}


def test_runs_at_once_apply_each_step_once(fresh_database):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: fresh_database.migrate(), range(4)))

    applied = [name for result in results for name in result["applied"]]
    assert sorted(applied) == [step.name for step in migrate.migrations()]


def test_versions_count_up_from_one():
    versions = [step.version for step in migrate.migrations()]

    assert versions == list(range(1, len(versions) + 1))


def test_edited_migration_is_refused(fresh_database):
    fresh_database.migrate()
    with connect(fresh_database.owner_url) as owner:
        owner.execute("update schema_migrations set checksum = 'of another text' where version = 1")

    with pytest.raises(migrate.MigrationEdited, match="0001"):
        fresh_database.migrate()


def test_failed_step_leaves_the_version_before_it(fresh_database, monkeypatch):
    steps = [*migrate.migrations(), migrate.Migration(9999, "9999_broken.sql", "create table half (); select 1/0")]
    monkeypatch.setattr(migrate, "migrations", lambda: steps)

    with pytest.raises(psycopg.errors.DivisionByZero):
        fresh_database.migrate()

    with connect(fresh_database.owner_url) as owner:
        assert migrate.version(owner) == steps[-2].version
        assert owner.execute("select to_regclass('half')").fetchall() == [(None,)]


def test_step_that_finds_a_table_in_use_is_given_up_and_leaves_everything_as_it_was(fresh_database, monkeypatch):
    fresh_database.migrate()
    steps = [*migrate.migrations(), migrate.Migration(9999, "9999_locks.sql", "create table half (); lock table users")]
    monkeypatch.setattr(migrate, "migrations", lambda: steps)
    monkeypatch.setattr(migrate, "LOCK_PAUSE_SECONDS", 0)
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "20ms")

    with connect(fresh_database.owner_url) as reader, reader.transaction():
        reader.execute("select from users")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            fresh_database.migrate()

    with connect(fresh_database.owner_url) as owner:
        assert migrate.version(owner) == steps[-2].version
        assert owner.execute("select to_regclass('half')").fetchall() == [(None,)]


def test_step_that_finds_a_table_in_use_is_tried_again(fresh_database, monkeypatch):
    fresh_database.migrate()
    step = migrate.Migration(9999, "9999_locks.sql", "lock table users")
    monkeypatch.setattr(migrate, "migrations", lambda: [step])
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "20ms")

    with connect(fresh_database.owner_url) as reader:
        reader.execute("begin")
        reader.execute("select from users")
        monkeypatch.setattr(time, "sleep", lambda _: reader.execute("rollback"))

        assert fresh_database.migrate() == {"schema_version": 9999, "applied": [step.name]}


def test_partitions_reach_a_year_ahead(migrated_database, owner):
    rows = owner.execute(
        """
        select to_regclass('history_' || to_char(made.month + make_interval(months => ahead), 'YYYY_MM'))
          from (select max(applied_at) at time zone 'UTC' as month from schema_migrations) made
         cross join generate_series(0, 12) ahead
        """
    ).fetchall()

    assert None not in [partition for (partition,) in rows]


def test_application_may_not_be_the_owner(fresh_database):
    with connect(fresh_database.owner_url) as owner, pytest.raises(migrate.LoginIsOwner):
        migrate.migrate(owner, fresh_database.owner_url)


def test_login_gets_a_changed_password_at_the_next_run(fresh_database, postgres_server):
    fresh_database.migrate()
    renewed = postgres_server.url("another_login", "it's 'new'", fresh_database.name)

    with connect(fresh_database.owner_url) as owner:
        migrate.migrate(owner, renewed.replace("new", "old"))
        migrate.migrate(owner, renewed)

    with connect(renewed) as connection:
        assert migrate.version(connection) >= 1


@pytest.mark.parametrize(("deleted_by", "actor"), [("analyst", "analyst"), (None, "schedule")])
def test_exits_that_were_lost_from_a_deleted_segment_are_written_by_a_job(
    fresh_database, monkeypatch, deleted_by, actor
):
    steps = [step for step in migrate.migrations() if step.version < 9]
    with monkeypatch.context() as before:
        before.setattr(migrate, "migrations", lambda: steps)
        fresh_database.migrate()
    with connect(fresh_database.owner_url) as owner:
        owner.execute("insert into users (user_id) values (1), (2)")
        owner.execute("insert into segments (slug) values ('LOST'), ('KEPT')")
        owner.execute(
            "insert into memberships (user_id, segment_id, added_at) select 1, segment_id, now() from segments"
        )
        owner.execute("update segments set deleted_at = now(), deleted_by = %s where slug = 'LOST'", (deleted_by,))

    fresh_database.migrate()

    with connect(fresh_database.url) as connection:
        exits = "select slug, actor from operations where action_id = 2"
        assert connection.execute(exits).fetchall() == [("LOST", actor)]
        [(job_id,)] = connection.execute("select job_id from jobs").fetchall()
        worker.deliver(connection, job_id, kinds=KINDS, time_left=lambda: True)
        assert leases.get(connection, job_id).result == {"users_deleted": 1}
        assert connection.execute(exits).fetchall() == [("LOST", actor)]
        assert connection.execute("select count(*) from memberships").fetchall() == [(1,)]
