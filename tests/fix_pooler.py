"""PgBouncer in front of the tests' server: one for all tests with --pooler, and one that a test may stop."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import pgbouncer, ports
from local.processes import Child
from local.settings import Database


class Pooler:
    """A PgBouncer that keeps its port when it is restarted."""

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
    """The port of PgBouncer, or None if the application connects to the server directly."""
    if not request.config.getoption("--pooler"):
        yield None
        return
    pooler = Pooler(roles, tmp_path_factory.mktemp("pgbouncer"))
    pooler.start()
    yield pooler.port
    pooler.stop()
