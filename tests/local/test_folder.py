"""The files and the lock in the folder of the local run."""

import subprocess
import sys

import pytest

from local import lock, passwords
from local.processes import ChildFailed
from local.settings import ROOT, GatewaySettings

HOLD = """
import pathlib, sys
from local import lock
with lock.exclusive(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


def test_passwords_are_generated_once_and_only_their_owner_can_read_them(tmp_path):
    path = tmp_path / "data" / "passwords.json"

    first = passwords.load(path)

    assert passwords.load(path) == first
    assert len({first.superuser, first.owner, first.login}) == 3
    assert path.stat().st_mode & 0o777 == 0o600


def test_only_their_owner_can_read_the_gateways_settings(tmp_path):
    settings = GatewaySettings("t", 1, 2, "i", "l", False, False, 0, {"A": "1"}, {"F": {"B": "2"}}, {"Q": "url"})

    path = settings.write(tmp_path / "state" / "gateway.json")

    assert GatewaySettings.read(path) == settings
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(  # noqa: S603 - the text above
        [sys.executable, "-c", HOLD, tmp_path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_folder_in_use_is_refused_with_the_id_of_its_process(tmp_path, holder):
    with pytest.raises(ChildFailed, match=f"as process {holder.pid}"), lock.exclusive(tmp_path):
        pass


def test_a_killed_process_does_not_block_the_folder(tmp_path, holder):
    holder.kill()
    holder.wait()

    with lock.exclusive(tmp_path):
        assert (tmp_path / "run.lock").read_text()
