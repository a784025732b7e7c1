"""The embedded Postgres server."""

import os
import secrets
import signal

import psycopg
import pytest

from local import database, postgres, unprivileged

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as another user")
PASSWORD = secrets.token_urlsafe()


@pytest.fixture
def folder():
    with postgres.throw_away_directory() as directory:
        yield directory


@pytest.fixture
def start(folder):
    started = []

    def start_server(**options):
        started.append(postgres.start(folder / "postgres", PASSWORD, **options))
        return started[-1]

    yield start_server
    for server in started:
        server.stop()


def ask(server, query, **options):
    with psycopg.connect(server.url(**options), autocommit=True) as connection:
        return connection.execute(query).fetchone()[0]


def test_data_is_kept_between_runs(start):
    first = start()
    with psycopg.connect(first.url()) as connection:
        connection.execute("create table kept as select 42 as answer")
    first.stop()

    second = start()

    assert ask(second, "select answer from kept") == 42


def test_a_killed_server_recovers(start):
    first = start()
    with psycopg.connect(first.url()) as connection:
        connection.execute("create table kept as select 42 as answer")
    postmaster = int((first.data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGKILL)
    first.process.supervisor.wait(60)

    second = start()

    assert ask(second, "select answer from kept") == 42


def test_a_lock_file_with_a_reused_process_id_is_removed(start):
    first = start()
    lock = first.data / "postmaster.pid"
    text = lock.read_text()
    first.stop()
    lock.write_text(text.replace(text.splitlines()[0], str(os.getppid()), 1))

    second = start()

    assert ask(second, "select 1") == 1


def test_an_interrupted_first_start_is_repeated(start, folder):
    unfinished = folder / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("16\n")

    server = start()

    assert ask(server, "select 1") == 1


def test_the_local_run_writes_durably(start):
    server = start()

    settings = [ask(server, f"show {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]

    assert settings == ["on", "on", "on"]


def test_it_is_postgres_16_in_utc_and_listens_on_this_machine_only(start):
    server = start()

    assert ask(server, "select current_setting('server_version_num')::int / 10000") == 16
    assert ask(server, "show timezone") == "UTC"
    assert ask(server, "show listen_addresses") == "127.0.0.1"
    assert ask(server, "show unix_socket_directories") == ""


def test_a_wrong_password_is_refused(start):
    server = start()

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url(password="wrong"))  # noqa: S106 - not a secret


def test_the_owner_of_the_database_is_not_a_superuser(start):
    server = start()

    database.prepare(server, "owner's")
    database.prepare(server, "owner's, changed")

    options = {"user": database.OWNER, "password": "owner's, changed", "database": database.NAME}
    assert ask(server, "select rolcreaterole from pg_roles where rolname = current_user", **options) is True
    assert ask(server, "select rolsuper from pg_roles where rolname = current_user", **options) is False
    assert ask(server, "select datdba::regrole::text from pg_database where datname = 'segmentation'") == database.OWNER


def test_a_temporary_server_leaves_nothing():
    with postgres.server() as server:
        data = server.data

        assert ask(server, "show fsync") == "off"

    assert not data.parent.exists()


@AS_ROOT
def test_root_runs_it_as_another_user(start):
    server = start()

    assert server.data.owner() != "root"


@AS_ROOT
def test_data_that_the_user_cannot_reach_is_in_a_fallback_directory(folder):
    folder.chmod(0o700)

    server = postgres.start(folder / "postgres", PASSWORD, durable=False)

    try:
        assert ask(server, "select 1") == 1
        assert not server.data.is_relative_to(folder)
        assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()


@AS_ROOT
def test_removing_a_folder_removes_its_fallback(folder):
    fallback = unprivileged.fallback_directory(folder)
    (fallback / "postgres").mkdir()

    unprivileged.remove(folder)

    assert not fallback.exists()
    assert not folder.exists()
