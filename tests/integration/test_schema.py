"""Each migration runs once and in order, however often and from wherever the run starts."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from segmentation.database import migrate
from segmentation.database.connection import connect
from tests.conftest import LOGIN, Database


@pytest.fixture
def fresh_database(postgres_server, pooler_port, request):
    fresh = Database(postgres_server, f"fresh_{abs(hash(request.node.name))}", pooler_port)
    fresh.create()
    return fresh


def test_first_run_applies_everything_and_the_second_nothing(fresh_database):
    first = fresh_database.migrate()

    second = fresh_database.migrate()

    assert first["applied"] == [script.name for script in (*migrate.migrations(), *migrate.objects())]
    assert second == {"schema_version": first["schema_version"], "applied": []}


def test_concurrent_runs_apply_each_migration_once(fresh_database):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: fresh_database.migrate(), range(4)))

    applied = [name for result in results for name in result["applied"]]
    assert sorted(applied) == sorted(script.name for script in (*migrate.migrations(), *migrate.objects()))


def test_versions_increase_from_the_baseline():
    versions = [step.version for step in migrate.migrations()]

    assert versions[0] == 10
    assert versions == sorted(set(versions))


def test_edited_migration_is_refused(fresh_database):
    fresh_database.migrate()
    with connect(fresh_database.owner_url) as owner:
        owner.execute("update schema_migrations set checksum = 'of another text' where version = 10")

    with pytest.raises(migrate.MigrationEdited, match="0010"):
        fresh_database.migrate()


def record_former_migrations(database_url, versions, checksum):
    """Record the former migrations that the baseline replaced as applied."""
    with connect(database_url) as owner:
        owner.execute("drop table if exists schema_objects")
        owner.execute("create table if not exists schema_migrations (version int, name text, checksum text)")
        owner.execute("delete from schema_migrations")
        owner.execute(
            "insert into schema_migrations (version, name, checksum) select n, '', %s from generate_series(1, %s) n",
            (checksum, versions),
        )


def test_database_that_has_the_former_ten_migrations_has_the_baseline(fresh_database, monkeypatch):
    baseline = migrate.migrations()[:1]
    with monkeypatch.context() as former:
        former.setattr(migrate, "migrations", lambda: baseline)
        former.setattr(migrate, "objects", list)
        former.setattr(migrate, "keep_partitions_ahead", lambda _: None)
        fresh_database.migrate()
    record_former_migrations(fresh_database.owner_url, 10, migrate._REPLACED)

    outcome = fresh_database.migrate()

    later = [step.name for step in migrate.migrations()[1:]]
    assert outcome["applied"] == [*later, *(each.name for each in migrate.objects())]
    assert fresh_database.migrate()["applied"] == []


def test_database_with_another_tenth_migration_is_refused(fresh_database):
    record_former_migrations(fresh_database.owner_url, 10, "of another text")

    with pytest.raises(migrate.MigrationEdited, match="0010"):
        fresh_database.migrate()


def test_older_database_is_refused_and_unchanged(fresh_database):
    record_former_migrations(fresh_database.owner_url, 9, "of an older release")

    with pytest.raises(migrate.DatabaseTooOld, match=r"older than version 10.*make reset"):
        fresh_database.migrate()

    with connect(fresh_database.owner_url) as owner:
        assert migrate.version(owner) == 9
        assert owner.execute("select to_regclass('users')").fetchall() == [(None,)]


def test_failed_migration_leaves_the_previous_version(fresh_database, monkeypatch):
    steps = [*migrate.migrations(), migrate.Migration("9999_broken.sql", "create table half (); select 1/0")]
    monkeypatch.setattr(migrate, "migrations", lambda: steps)

    with pytest.raises(psycopg.errors.DivisionByZero):
        fresh_database.migrate()

    with connect(fresh_database.owner_url) as owner:
        assert migrate.version(owner) == steps[-2].version
        assert owner.execute("select to_regclass('half')").fetchall() == [(None,)]


def test_migration_that_finds_a_table_in_use_gives_up_without_a_change(fresh_database, monkeypatch):
    fresh_database.migrate()
    steps = [*migrate.migrations(), migrate.Migration("9999_locks.sql", "create table half (); lock table users")]
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


def test_migration_that_finds_a_table_in_use_is_retried(fresh_database, monkeypatch):
    fresh_database.migrate()
    step = migrate.Migration("9999_locks.sql", "lock table users")
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


def test_application_login_may_not_be_the_owner(fresh_database):
    with connect(fresh_database.owner_url) as owner, pytest.raises(migrate.LoginIsOwner):
        migrate.migrate(owner, fresh_database.owner_url)


@pytest.mark.parametrize(("pooled", "limit"), [("false", "10min"), ("true", "0")])
def test_only_a_login_that_no_pooler_uses_has_a_limit_for_idle_sessions(fresh_database, monkeypatch, pooled, limit):
    monkeypatch.setenv("DATABASE_POOLED", pooled)

    fresh_database.migrate()

    with connect(fresh_database.owner_url) as owner:
        [settings] = owner.execute("select setconfig from pg_db_role_setting where setrole = %s::regrole", (LOGIN,))
    assert f"idle_session_timeout={limit}" in settings[0]


def test_login_gets_a_changed_password_at_the_next_run(fresh_database, postgres_server):
    fresh_database.migrate()
    renewed = postgres_server.url("another_login", "it's 'new'", fresh_database.name)

    with connect(fresh_database.owner_url) as owner:
        migrate.migrate(owner, renewed.replace("new", "old"))
        migrate.migrate(owner, renewed)

    with connect(renewed) as connection:
        assert migrate.version(connection) >= 1
