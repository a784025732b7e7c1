"""PgBouncer before the tests' server: where they are to pass through it, and one that a test may stop."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import pgbouncer, ports
from local.processes import Child
from local.settings import Database


class Pooler:
    """A PgBouncer that has one port for all its lives."""

    def __init__(self, behind: Database, folder: Path) -> None:
        self.port = ports.free()
        self._behind, self._folder = behind, folder
        self._process: Child | None = None

    def start(self, **settings: object) -> None:
        self._process = pgbouncer.start(self._behind, self._folder, self.port, log=self._folder / "log", **settings)

    def stop(self) -> None:
        if self._process:
            self._process.stop()


@pytest.fixture(scope="session")
def pooler_port(roles: Database, request, tmp_path_factory) -> Iterator[int | None]:
    """Where the application connects instead of to the server itself, if it does."""
    if not request.config.getoption("--pooler"):
        yield None
        return
    pooler = Pooler(roles, tmp_path_factory.mktemp("pgbouncer"))
    pooler.start()
    yield pooler.port
    pooler.stop()
