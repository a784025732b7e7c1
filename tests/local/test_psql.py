"""`make psql`."""

import os

import pytest

from local import lock, programs, psql
from local.settings import GatewaySettings, Settings

OWNER_URL = "postgresql://owner:hidden@127.0.0.1:1234/segmentation"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    settings = Settings(state=tmp_path)
    functions = {"ApplyMigrations": {"DATABASE_OWNER_URL": OWNER_URL}}
    GatewaySettings("t", 1, 2, "i", "l", False, False, 0, {}, functions, {}).write(settings.gateway)
    monkeypatch.setattr(psql, "Settings", lambda: settings)
    return settings


def test_without_a_local_run_it_says_how_to_start_one(settings, capsys):
    assert psql.main() == 1
    assert "make run" in capsys.readouterr().err


def test_it_connects_to_the_current_run_and_hides_the_password_from_ps(settings, monkeypatch):
    called = []
    monkeypatch.setattr(os, "execve", lambda *arguments: called.append(arguments))

    with lock.exclusive(settings.state):
        psql.main()

    [(program, arguments, environment)] = called
    assert (program, arguments[0], environment["PGPASSWORD"]) == (programs.psql(), "psql", "hidden")
    assert "port=1234" in arguments[1]
    assert "hidden" not in arguments[1]


def test_the_program_is_there():
    assert os.access(programs.psql(), os.X_OK)
