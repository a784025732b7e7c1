"""A Postgres server of one test, which the test may crash, stop or freeze."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from local import ports, postgres
from tests.conftest import PASSWORD


class StoppableServer:
    """A durable server that keeps its port when it is stopped and started again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "postgres"
        self.running = postgres.start(self._directory, PASSWORD, port=ports.free())

    def crash(self) -> None:
        """Stop without a checkpoint, then recover."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Stop at once, without a message to the clients."""
        with suppress(IndexError, ProcessLookupError):  # the server may have stopped by itself
            os.kill(self._postmaster, signal.SIGQUIT)
        self.running.process.supervisor.wait(30)
        self.running.stop()

    def freeze(self) -> None:
        """Accept connections without an answer, like a machine that hangs."""
        os.kill(self._postmaster, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._postmaster, signal.SIGCONT)

    @property
    def _postmaster(self) -> int:
        return int(postgres.read_lock(self.running.data)[0])

    def start(self) -> None:
        self.running = postgres.start(self._directory, PASSWORD, port=self.running.port)


@pytest.fixture
def stoppable_server() -> Iterator[StoppableServer]:
    with postgres.throw_away_directory() as directory:
        server = StoppableServer(directory)
        try:
            yield server
        finally:
            server.running.stop()
