"""A meddler between the service and S3 or SQS: it passes requests on, but for those that a test wants spoilt."""

import http.client
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from local import ports

Fault = Callable[["Exchange"], None]
ALWAYS = 1_000_000
AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: a connection that is closed so is reset."""

OF_S3 = {
    ("PUT", "partNumber"): "UploadPart",
    ("PUT", ""): "PutObject",
    ("HEAD", ""): "HeadObject",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploads"): "ListMultipartUploads",
}


class Meddler(ThreadingHTTPServer):
    """Counts what is asked, by operation, and lets the next so many of one meet a fault."""

    daemon_threads = True

    def __init__(self, server_port: int) -> None:
        super().__init__((ports.HOST, 0), Exchange)
        self.behind = server_port
        self.asked: Counter[str] = Counter()
        self._faults: dict[str, list[Fault]] = {}

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.server_port}"

    def spoil(self, operation: str, fault: Fault, times: int = ALWAYS) -> None:
        self._faults[operation] = [fault] * times

    def mend(self) -> None:
        """Spoil nothing any more, and count anew."""
        self._faults.clear()
        self.asked.clear()

    def take_fault(self, operation: str) -> Fault | None:
        self.asked[operation] += 1
        waiting = self._faults.get(operation)
        return waiting.pop() if waiting else None

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: that a client hangs up is what these tests are about."""


class Exchange(BaseHTTPRequestHandler):
    """One request, and what becomes of it."""

    protocol_version = "HTTP/1.1"
    server: Meddler

    def handle_one_request(self) -> None:
        """Treat all methods alike."""
        self.raw_requestline = self.rfile.readline(65537)
        if not (self.raw_requestline and self.parse_request()):
            self.close_connection = True
            return
        fault = self.server.take_fault(self.operation)
        if fault is None:
            self.answer(*self.pass_on())
        else:
            fault(self)

    @property
    def operation(self) -> str:
        if target := self.headers.get("x-amz-target"):
            return target.rpartition(".")[2]
        asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True).keys()
        marks = (mark for method, mark in OF_S3 if method == self.command and mark in asked)
        return OF_S3.get((self.command, next(marks, "")), self.command)

    def body(self, share: float = 1) -> bytes:
        return self.rfile.read(int(int(self.headers.get("content-length", 0)) * share))

    def pass_on(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """Ask the real server, and return its answer."""
        body = self.body()
        connection = http.client.HTTPConnection(ports.HOST, self.server.behind)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "expect":  # answered here
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        found = answer.status, answer.getheaders(), answer.read()
        connection.close()
        return found

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        length = dict(headers).get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("content-length", length)
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        """Hang up without a word."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.close_connection = True
        self.rfile.close()
        self.connection.close()


def refusal(status: int, code: str) -> Fault:
    """Answer with an error, as S3 and SQS word theirs; with status 200, as S3 does when it is too late for another."""

    def fault(exchange: Exchange) -> None:
        exchange.body()
        if exchange.headers.get("x-amz-target"):
            exchange.answer(
                status, [("content-type", "application/x-amz-json-1.0")], b'{"__type": "%s"}' % code.encode()
            )
        else:
            body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>meddled</Message></Error>'.encode()
            exchange.answer(status, [("content-type", "application/xml")], b"" if exchange.command == "HEAD" else body)

    return fault


def hang_up(exchange: Exchange) -> None:
    exchange.reset()


def cut_the_question(exchange: Exchange) -> None:
    """Take half of the body."""
    exchange.body(share=0.5)
    exchange.reset()


def lose_the_answer(exchange: Exchange) -> None:
    exchange.pass_on()
    exchange.reset()


def cut_the_answer(exchange: Exchange) -> None:
    """Give half of the answer's body, and where it has none not even all of its headers."""
    status, _, body = exchange.pass_on()
    exchange.send_response_only(status)
    if body:
        exchange.send_header("content-length", str(len(body)))
        exchange.end_headers()
        exchange.wfile.write(body[: len(body) // 2])
    else:
        exchange.flush_headers()
    exchange.reset()


def keep_waiting(seconds: float) -> Fault:
    """Do what is asked, but answer late."""

    def fault(exchange: Exchange) -> None:
        found = exchange.pass_on()
        time.sleep(seconds)
        exchange.answer(*found)

    return fault


@contextmanager
def meddler_before(server_port: int) -> Iterator[Meddler]:
    meddler = Meddler(server_port)
    threading.Thread(target=meddler.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield meddler
    meddler.shutdown()
    meddler.server_close()
