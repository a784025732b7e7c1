"""The script that repeats a download until it succeeds."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

INSIST = Path(__file__).parents[2] / ".ci" / "insist"
TRIES, NOT_FOUND, TERMINATED = 4, 127, 143
A_CODE = 3
needs_timeout = pytest.mark.skipif(not shutil.which("timeout"), reason="timeout is not installed")


@pytest.fixture
def insist(tmp_path):
    def run(script):
        """Run a shell script in an empty folder. The first try may take a second."""
        return subprocess.run(  # noqa: S603 -- returns when no process can write to its output any more
            [INSIST, "sh", "-c", script],
            cwd=tmp_path,
            env={**os.environ, "INSIST_SECONDS": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@needs_timeout
def test_a_command_that_hangs_is_stopped_and_tried_again(insist):
    done = insist("[ -e tried ] || { touch tried; sleep 100; }")

    assert (done.returncode, done.stderr.count("not done after 1 s, trying again")) == (0, 1)


def test_a_command_that_fails_is_tried_again(insist):
    done = insist("[ -e tried ] || { touch tried; exit 3; }")

    assert (done.returncode, done.stderr.count("exit code 3, trying again")) == (0, 1)


def test_a_command_that_always_fails_ends_with_its_own_code(insist, tmp_path):
    done = insist(f"echo >>tries; exit {A_CODE}")

    assert done.returncode == A_CODE
    assert (tmp_path / "tries").read_text().count("\n") == TRIES


def test_a_command_that_is_not_installed_is_not_tried_again(insist):
    done = insist("exec program-that-does-not-exist")

    assert done.returncode == NOT_FOUND
    assert "trying again" not in done.stderr


def test_a_command_that_succeeds_runs_once_and_nothing_else_is_printed(insist):
    done = insist("echo fetched")

    assert (done.returncode, done.stdout, done.stderr) == (0, "fetched\n", "")


@pytest.mark.parametrize("number", range(20))  # the signal can come before the time limit knows its command
def test_stopping_it_stops_its_command(number):
    with subprocess.Popen(  # noqa: S603 -- a fixed command
        [INSIST, "sh", "-c", "echo begun; sleep 100"], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout.readline() == "begun\n"
        running.terminate()
        rest, _ = running.communicate(timeout=60)  # returns when no process can write to its output any more

    assert (running.returncode, rest) == (TERMINATED, "")
