"""Kill a worker (SIGKILL) at a chosen one of its requests to Postgres, S3 and SQS."""

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
from tests.chaos.postgres_proxy import Moment, PostgresProxy


class WorkerKiller:
    """Counts the requests of a worker, in their order, and kills the worker at one of them."""

    def __init__(self) -> None:
        self._requests = 0
        self._kill_at: tuple[int, Moment] | None = None
        self._workers: SimpleQueue[int] = SimpleQueue()

    def kill_at(self, request: int, moment: Moment) -> None:
        """Kill the next worker at a request: before the request arrives, or while it is processed."""
        self._requests, self._kill_at, self._workers = 0, (request, moment), SimpleQueue()

    def disarm(self) -> None:
        """Kill no worker from now on."""
        self._kill_at = None

    def watch(self, process: int) -> None:
        self._workers.put(process)

    def count_request(self) -> Moment | None:
        """Count a request. If it is the chosen one, kill its sender and return the moment."""
        self._requests += 1
        if self._kill_at is None or self._kill_at[0] != self._requests:
            return None
        moment, self._kill_at = self._kill_at[1], None
        os.kill(self._workers.get(timeout=60), signal.SIGKILL)
        return moment


class KillingPostgresProxy(PostgresProxy):
    """A proxy to Postgres that reports each statement to a killer."""

    def __init__(self, server_port: int, killer: WorkerKiller) -> None:
        super().__init__(server_port)
        self._killer = killer

    def _moment_of_fault(self) -> Moment | None:
        return self._killer.count_request()


@contextmanager
def killing_postgres_proxy(server_port: int, killer: WorkerKiller) -> Iterator[KillingPostgresProxy]:
    proxy = KillingPostgresProxy(server_port, killer)
    threading.Thread(target=proxy.serve, daemon=True).start()
    yield proxy
    proxy.close()


@contextmanager
def killing_aws(killer: WorkerKiller) -> Iterator[str]:
    """Serve AWS over HTTP, and report each request to a killer. Yield the URL."""
    aws = DomainDispatcherApplication(create_backend_app)

    def respond(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if killer.count_request() == "before":
            start_response("503 Service Unavailable", [])
            return []
        return aws(environ, start_response)

    server = make_server(ports.HOST, 0, respond, threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://{ports.HOST}:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()
