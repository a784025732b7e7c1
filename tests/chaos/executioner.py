"""Kill -9 for a worker, at a chosen one of the questions that it asks Postgres, S3 and SQS."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from local import ports
from tests.chaos.line import Line, Moment


class Executioner:
    """Counts the questions of a process, in the order in which it asks them, and ends it at one of them."""

    def __init__(self) -> None:
        self.questions = 0
        self._at: tuple[int, Moment] | None = None
        self._victims: SimpleQueue[int] = SimpleQueue()

    def wait_for(self, question: int, moment: Moment) -> None:
        """Kill the next victim at a question: before that arrives, or while it is dealt with."""
        self.questions, self._at, self._victims = 0, (question, moment), SimpleQueue()

    def spare(self) -> None:
        """Kill nobody who comes now."""
        self._at = None

    def take(self, process: int) -> None:
        self._victims.put(process)

    def strike(self) -> Moment | None:
        """Count a question, and return the moment where it was the sender's last."""
        self.questions += 1
        if self._at is None or self._at[0] != self.questions:
            return None
        moment, self._at = self._at[1], None
        os.kill(self._victims.get(timeout=60), signal.SIGKILL)
        return moment


class DeadlyLine(Line):
    """A line to Postgres at which an executioner listens."""

    def __init__(self, server_port: int, executioner: Executioner) -> None:
        super().__init__(server_port)
        self._executioner = executioner

    def _breaks(self) -> Moment | None:
        return self._executioner.strike()


@contextmanager
def deadly_line(server_port: int, executioner: Executioner) -> Iterator[DeadlyLine]:
    line = DeadlyLine(server_port, executioner)
    threading.Thread(target=line.serve, daemon=True).start()
    yield line
    line.close()


@contextmanager
def deadly_aws(executioner: Executioner) -> Iterator[str]:
    """AWS over HTTP, where an executioner listens."""
    aws = DomainDispatcherApplication(create_backend_app)

    def listen(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if executioner.strike() == "before":
            start_response("503 Service Unavailable", [])
            return []
        return aws(environ, start_response)

    server = make_server(ports.HOST, 0, listen, threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://{ports.HOST}:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()
