"""The package that a deployment uploads, run with nothing beside it but what Lambda has."""

import shutil
import subprocess

import httpx
import pytest

from local.settings import INSTALLED, ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def build():
    subprocess.run(["make", "built-here"], cwd=ROOT, check=True)  # noqa: S607 - whichever make there is
    return INSTALLED / "build" / "template.yaml"


def test_the_package_answers_requests(build, state, start):
    run = start(state, None, "--template", str(build), "--interpreter", str(INSTALLED / "runtime" / "bin" / "python"))
    run.wait_until_ready()

    answer = httpx.post(f"http://localhost:{run.port}/user", trust_env=False)

    assert answer.json() == {"user_id": 1}
