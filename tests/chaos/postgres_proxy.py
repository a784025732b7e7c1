"""A proxy to Postgres that disconnects before a statement arrives, while it runs, or before its response arrives."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, Literal

from local import ports

Moment = Literal["before", "during", "after"]
REQUESTS_TO_AUTHENTICATE = {10, 11}
"""The authentication messages that the client must answer: SASL and SASLContinue."""


class PostgresProxy:
    """Forwards connections to a server, and counts the statements on them, COMMIT included.

    It reads only a part of the protocol. A request of the client ends with a Query, a Sync, a password or the end of a
    COPY's data. A response of the server ends with ReadyForQuery, or a request for the password or a COPY's data.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listening = socket.create_server((ports.HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        self._disconnect_at: tuple[int, Moment] | None = None
        self._statements = 0

    def disconnect_at(self, statement: int, moment: Moment) -> None:
        """Disconnect once, at a statement counted from now on."""
        self._statements, self._disconnect_at = 0, (statement, moment)

    def reset(self) -> bool:
        """Forward everything from now on. Return whether the proxy has disconnected."""
        has_disconnected = self._disconnect_at is None
        self._disconnect_at = None
        return has_disconnected

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _forward(self, client: socket.socket) -> None:
        with client, socket.create_connection((ports.HOST, self._server_port)) as server, suppress(OSError, EOFError):
            requests, responses = client.makefile("rb"), server.makefile("rb")
            server.sendall(_startup(requests))
            is_ready, response = _response(responses)
            client.sendall(response)
            while True:
                request = _request(requests)
                moment = self._moment_of_fault() if is_ready else None
                if moment == "before":
                    return
                server.sendall(request)
                if moment == "during":
                    return
                became_ready, response = _response(responses)
                is_ready = is_ready or became_ready
                if moment == "after":
                    return
                client.sendall(response)

    def _moment_of_fault(self) -> Moment | None:
        """Count a statement. Return the moment at which to disconnect, or None."""
        self._statements += 1
        if self._disconnect_at is None or self._disconnect_at[0] != self._statements:
            return None
        moment, self._disconnect_at = self._disconnect_at[1], None
        return moment


@contextmanager
def postgres_proxy(server_port: int) -> Iterator[PostgresProxy]:
    proxy = PostgresProxy(server_port)
    threading.Thread(target=proxy.serve, daemon=True).start()
    yield proxy
    proxy.close()


def _startup(requests: BinaryIO) -> bytes:
    length = _exactly(requests, 4)
    return length + _exactly(requests, int.from_bytes(length) - 4)


def _request(requests: BinaryIO) -> bytes:
    """Read the messages that a client sends before it waits."""
    sent = b""
    while True:
        kind, message = _message(requests)
        sent += message
        if kind in b"QSpXcf":
            return sent


def _response(responses: BinaryIO) -> tuple[bool, bytes]:
    """Read the messages that a server sends before it waits. Return whether it waits for statements, and the bytes."""
    sent = b""
    while True:
        kind, message = _message(responses)
        sent += message
        if kind in b"ZG" or (kind == b"R" and int.from_bytes(message[5:9]) in REQUESTS_TO_AUTHENTICATE):
            return kind == b"Z", sent


def _message(stream: BinaryIO) -> tuple[bytes, bytes]:
    head = _exactly(stream, 5)
    return head[:1], head + _exactly(stream, int.from_bytes(head[1:]) - 4)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    octets = stream.read(length)
    if len(octets) < length:
        raise EOFError
    return octets
