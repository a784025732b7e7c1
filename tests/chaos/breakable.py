"""A server that a test may break without harm to the others'."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from local import ports, postgres
from tests.conftest import PASSWORD


class Breakable:
    """A durable server on a port of its own, which can be stopped at once and started again."""

    def __init__(self, directory: Path) -> None:
        self._place = directory / "postgres"
        self.running = postgres.start(self._place, PASSWORD, port=ports.free())

    def crash(self) -> None:
        """Stop without a checkpoint, then recover."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Stop at once, without a word to the clients."""
        with suppress(IndexError, ProcessLookupError):  # where it has not stopped by itself
            os.kill(self._postmaster, signal.SIGQUIT)
        self.running.process.supervisor.wait(30)
        self.running.stop()

    def freeze(self) -> None:
        """Take connections without a word, as a machine does that hangs."""
        os.kill(self._postmaster, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._postmaster, signal.SIGCONT)

    @property
    def _postmaster(self) -> int:
        return int(postgres.read_lock(self.running.data)[0])

    def start(self) -> None:
        self.running = postgres.start(self._place, PASSWORD, port=self.running.port)


@pytest.fixture
def breakable() -> Iterator[Breakable]:
    with postgres.throw_away_directory() as directory:
        server = Breakable(directory)
        try:
            yield server
        finally:
            server.running.stop()
