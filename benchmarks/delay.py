"""Network latency: a proxy in its own process that delays all traffic."""

import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from local import ports

CHUNK = 65_536


@contextmanager
def proxy(port: int, seconds: float) -> Iterator[int]:
    """Forward connections to a local port until the block ends; delay each direction. Yields the proxy's port."""
    listener = socket.create_server((ports.HOST, 0))
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(listener, port, seconds), daemon=True)
    process.start()
    try:
        yield listener.getsockname()[1]
    finally:
        process.terminate()
        process.join()
        listener.close()


def _serve(listener: socket.socket, port: int, seconds: float) -> None:
    while True:
        client, _ = listener.accept()
        server = socket.create_connection((ports.HOST, port))
        for source, target in ((client, server), (server, client)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_forward, args=(source, target, seconds), daemon=True).start()


def _forward(source: socket.socket, target: socket.socket, seconds: float) -> None:
    try:
        while data := source.recv(CHUNK):
            time.sleep(seconds)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one side closed its connection
