"""A line to Postgres that breaks where a test wants it to: before a statement arrives, while it is carried out, or
before its answer arrives."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, Literal

from local import ports

Moment = Literal["before", "during", "after"]
ASKS_BACK = {10, 11}
"""Messages about authentication that want an answer."""


class Line:
    """Carries connections to a server, and counts the statements on them, COMMIT included.

    It knows just as much of the protocol as that: a client asks, up to a Query, a Sync or a password, and the server
    answers, up to ReadyForQuery or a question about the password.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listening = socket.create_server((ports.HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        self.broken: tuple[int, Moment] | None = None
        self.statements = 0

    def break_at(self, statement: int, moment: Moment) -> None:
        """Break, once, at a statement counted from now on."""
        self.statements, self.broken = 0, (statement, moment)

    def mend(self) -> bool:
        """Carry everything from now on; return whether the line ever broke."""
        broke = self.broken is None
        self.broken = None
        return broke

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection((ports.HOST, self._server_port)) as server, suppress(OSError, EOFError):
            questions, answers = client.makefile("rb"), server.makefile("rb")
            server.sendall(_startup(questions))
            is_ready, answer = _answer(answers)
            client.sendall(answer)
            while True:
                question = _question(questions)
                breaks = self._breaks() if is_ready else None
                if breaks == "before":
                    return
                server.sendall(question)
                if breaks == "during":
                    return
                became_ready, answer = _answer(answers)
                is_ready = is_ready or became_ready
                if breaks == "after":
                    return
                client.sendall(answer)

    def _breaks(self) -> Moment | None:
        self.statements += 1
        if self.broken is None or self.broken[0] != self.statements:
            return None
        moment, self.broken = self.broken[1], None
        return moment


@contextmanager
def line_to(server_port: int) -> Iterator[Line]:
    line = Line(server_port)
    threading.Thread(target=line.serve, daemon=True).start()
    yield line
    line.close()


def _startup(questions: BinaryIO) -> bytes:
    length = _exactly(questions, 4)
    return length + _exactly(questions, int.from_bytes(length) - 4)


def _question(questions: BinaryIO) -> bytes:
    """Read what a client sends before it waits."""
    sent = b""
    while True:
        kind, message = _message(questions)
        sent += message
        if kind in b"QSpX":
            return sent


def _answer(answers: BinaryIO) -> tuple[bool, bytes]:
    """Read what a server sends before it waits, and whether it waits for statements."""
    sent = b""
    while True:
        kind, message = _message(answers)
        sent += message
        if kind == b"Z" or (kind == b"R" and int.from_bytes(message[5:9]) in ASKS_BACK):
            return kind == b"Z", sent


def _message(stream: BinaryIO) -> tuple[bytes, bytes]:
    head = _exactly(stream, 5)
    return head[:1], head + _exactly(stream, int.from_bytes(head[1:]) - 4)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    octets = stream.read(length)
    if len(octets) < length:
        raise EOFError
    return octets
