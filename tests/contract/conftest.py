"""The template as written and as translated for AWS, and SAM CLI to check it."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
TOOLS = PROJECT / ".local" / "sam" / "bin"
OFFLINE = {
    "SAM_CLI_TELEMETRY": "0",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "offline",
    "AWS_SECRET_ACCESS_KEY": "offline",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="session")
def run_tool() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program of SAM CLI's environment in the folder of the project."""

    def run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 -- pinned tools
            [TOOLS / program, *arguments],
            cwd=PROJECT,
            env={**os.environ, **OFFLINE, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def documents(run_tool):
    answer = run_tool("python", "tests/contract/translate.py", "template.yaml")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.fixture(scope="session")
def template(documents):
    return documents["template"]


@pytest.fixture(scope="session")
def translated(documents):
    return documents["translated"]
