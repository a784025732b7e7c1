"""The service answers random requests as its document says. `make fuzz` sends more of them."""

import os
import subprocess

import httpx
import pytest

from local import postgres
from local.settings import INSTALLED, ROOT, Settings
from tests.e2e.conftest import running

SECONDS = os.environ.get("FUZZ_SECONDS")
BOUNDED = ["--max-time", "45", "--max-examples", "10", "--seed", "1"]


@pytest.fixture
def controlled():
    """The address of a run that requires tokens, and the credentials of its admin."""
    with postgres.throw_away_directory() as state, running(state, "--auth") as run:
        yield f"http://localhost:{run.port}", Settings(state=state).admin.read_text()


def test_schemathesis_finds_nothing(controlled):
    url, admin = controlled
    token = httpx.post(f"{url}/auth/sign-in", content=admin).raise_for_status().json()["token"]
    limits = ["--max-time", SECONDS] if SECONDS else BOUNDED
    config = ROOT / "tests" / "api" / "schemathesis.toml"

    # one worker: with a second thread, the compiler of Python 3.11 miscounts its recursion
    command = [INSTALLED / "api" / "bin" / "st", "--config-file", config, "run", f"{url}/openapi.json", "-w", "1"]
    done = subprocess.run(  # noqa: S603 -- a pinned tool
        [*command, *limits, "--header", f"Authorization: Bearer {token}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers" / "segmentation")])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
