"""A proxy between the service and S3 or SQS. It forwards requests, except those into which a test injects a fault."""

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
LINGER_ZERO = struct.pack("ii", 1, 0)
"""With this SO_LINGER, closing a connection resets it."""

S3_OPERATIONS = {
    ("PUT", "partNumber"): "UploadPart",
    ("PUT", ""): "PutObject",
    ("HEAD", ""): "HeadObject",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploads"): "ListMultipartUploads",
}


class HttpProxy(ThreadingHTTPServer):
    """Counts requests by operation, and injects a fault into the next ones of an operation."""

    daemon_threads = True

    def __init__(self, server_port: int) -> None:
        super().__init__((ports.HOST, 0), Exchange)
        self.upstream_port = server_port
        self.requests: Counter[str] = Counter()
        self._faults: dict[str, list[Fault]] = {}

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.server_port}"

    def inject(self, operation: str, fault: Fault, times: int = ALWAYS) -> None:
        self._faults[operation] = [fault] * times

    def reset(self) -> None:
        """Inject no fault from now on, and count from zero."""
        self._faults.clear()
        self.requests.clear()

    def take_fault(self, operation: str) -> Fault | None:
        self.requests[operation] += 1
        pending = self._faults.get(operation)
        return pending.pop() if pending else None

    def handle_error(self, request: object, client_address: object) -> None:
        """Write no traceback: clients disconnect on purpose in these tests."""


class Exchange(BaseHTTPRequestHandler):
    """One request and its response."""

    protocol_version = "HTTP/1.1"
    server: HttpProxy

    def handle_one_request(self) -> None:
        """Handle all methods in the same way."""
        self.raw_requestline = self.rfile.readline(65537)
        if not (self.raw_requestline and self.parse_request()):
            self.close_connection = True
            return
        fault = self.server.take_fault(self.operation)
        if fault is None:
            self.respond(*self.forward())
        else:
            fault(self)

    @property
    def operation(self) -> str:
        if target := self.headers.get("x-amz-target"):
            return target.rpartition(".")[2]
        parameters = parse_qs(urlsplit(self.path).query, keep_blank_values=True).keys()
        found = (name for method, name in S3_OPERATIONS if method == self.command and name in parameters)
        return S3_OPERATIONS.get((self.command, next(found, "")), self.command)

    def body(self, share: float = 1) -> bytes:
        return self.rfile.read(int(int(self.headers.get("content-length", 0)) * share))

    def forward(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """Send the request to the real server, and return its response."""
        body = self.body()
        connection = http.client.HTTPConnection(ports.HOST, self.server.upstream_port)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "expect":  # this proxy handles it
                connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        received = response.status, response.getheaders(), response.read()
        connection.close()
        return received

    def respond(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        length = dict(headers).get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("content-length", length)
        self.end_headers()
        self.wfile.write(body)

    def disconnect(self) -> None:
        """Reset the connection without a response."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        self.close_connection = True
        self.rfile.close()
        self.connection.close()


def error_response(status: int, code: str) -> Fault:
    """Respond with an error of S3 or SQS.

    S3 uses status 200 for an error that occurs after the headers.
    """

    def fault(exchange: Exchange) -> None:
        exchange.body()
        if exchange.headers.get("x-amz-target"):
            exchange.respond(
                status, [("content-type", "application/x-amz-json-1.0")], b'{"__type": "%s"}' % code.encode()
            )
        else:
            body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>injected</Message></Error>'.encode()
            exchange.respond(status, [("content-type", "application/xml")], b"" if exchange.command == "HEAD" else body)

    return fault


def disconnect(exchange: Exchange) -> None:
    exchange.disconnect()


def truncate_request(exchange: Exchange) -> None:
    """Read half of the request's body, then disconnect."""
    exchange.body(share=0.5)
    exchange.disconnect()


def drop_response(exchange: Exchange) -> None:
    exchange.forward()
    exchange.disconnect()


def truncate_response(exchange: Exchange) -> None:
    """Send half of the response's body. If it has none, send only some of its headers."""
    status, _, body = exchange.forward()
    exchange.send_response_only(status)
    if body:
        exchange.send_header("content-length", str(len(body)))
        exchange.end_headers()
        exchange.wfile.write(body[: len(body) // 2])
    else:
        exchange.flush_headers()
    exchange.disconnect()


def delay_response(seconds: float) -> Fault:
    """Execute the request, but respond late."""

    def fault(exchange: Exchange) -> None:
        response = exchange.forward()
        time.sleep(seconds)
        exchange.respond(*response)

    return fault


@contextmanager
def http_proxy(server_port: int) -> Iterator[HttpProxy]:
    proxy = HttpProxy(server_port)
    threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield proxy
    proxy.shutdown()
    proxy.server_close()
