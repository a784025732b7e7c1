"""The package of a deployment, with no other libraries than those of Lambda."""

import shutil
import subprocess

import httpx
import pytest

from local.settings import INSTALLED, ROOT
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture(scope="module")
def build():
    subprocess.run(["make", "built-here"], cwd=ROOT, check=True)  # noqa: S607 - the make on PATH
    return INSTALLED / "build" / "template.yaml"


@pytest.fixture
def client(build, state, start):
    run = start(state, None, "--template", str(build), "--interpreter", str(INSTALLED / "runtime" / "bin" / "python"))
    run.wait_until_ready()
    with httpx.Client(base_url=f"http://localhost:{run.port}", timeout=60, trust_env=False) as client:
        yield client


def test_the_package_answers_requests(client):
    answer = client.post("/user")

    assert answer.json() == {"user_id": 1}


def test_the_package_runs_jobs(client):
    job_id = client.post("/report", json={"year": 2023, "month": 8}).json()["job_id"]

    eventually(lambda: client.get(f"/job/{job_id}").json()["status"] == "succeeded")


def test_the_package_signs_the_admin_in(client, state):
    answer = client.post("/auth/sign-in", content=(state / "data" / "admin.json").read_bytes())

    assert answer.status_code == 200
