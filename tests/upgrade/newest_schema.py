"""A plugin for the tests of the previous code: their databases get the schema of the code that is here."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parents[2]
PYTHON = HERE / ".local" / "venv" / "bin" / "python"
MIGRATE = """
import json
from functions.apply_migrations.app import apply_migrations
print(json.dumps(apply_migrations()))
"""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Replace the migration of the tests by the one that a deployment of this code runs."""
    from tests.conftest import Database  # those of the previous code

    Database.migrate = migrate


def migrate(database: Any) -> dict[str, Any]:
    """Apply every migration that is here, by the code that is here."""
    path = os.pathsep.join(str(folder) for folder in (HERE / "layers" / "segmentation", HERE))
    environment = {"PYTHONPATH": path, "DATABASE_OWNER_URL": database.owner_url, "DATABASE_URL": database.url}
    command = [PYTHON, "-P", "-c", MIGRATE]
    applied = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)  # noqa: S603 -- our own
    outcome: dict[str, Any] = json.loads(applied.stdout.splitlines()[-1])
    return outcome
