"""A gateway for a sample template, with each kind of execution environment, and a Lambda endpoint without functions."""

import json
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from local import ports, processes
from local.settings import INSTALLED, ROOT, GatewaySettings
from tests.e2e.waiting import eventually

SAMPLE = Path(__file__).with_name("sample")


@dataclass(frozen=True)
class Gateway:
    """A running gateway and its copy of the sample."""

    client: httpx.Client
    lambda_url: str
    sample: Path
    logs: Path

    def show(self, method="GET", path="/show/it", **options):
        answer = self.client.request(method, path, **options)
        answer.raise_for_status()
        return answer.json()

    @property
    def output(self):
        """The text that the gateway has written to the terminal."""
        return (self.sample / "gateway.log").read_text()

    def behave(self, behaviour, path="/read"):
        return self.client.get(path, headers={"X-Behaviour": behaviour})


def settings(folder: Path, *, worker: bool) -> GatewaySettings:
    return GatewaySettings(
        template=str(folder / "template.yaml"),
        port=ports.free(),
        lambda_port=ports.free(),
        interpreter=sys.executable,
        logs=str(folder / "log"),
        worker=worker,
        auth=True,
        wait_seconds=60,
        variables={"GIVEN_TO_ALL": "yes", "PYTHONPYCACHEPREFIX": str(folder / "pycache")},
        function_variables={"Probe": {"GIVEN_TO_ONE": "yes"}},
        references={"Inbox": "http://queue"},
        cors_origins="https://app.example.com,https://other.example.com",
    )


KINDS = [
    pytest.param(
        False, marks=pytest.mark.skipif(sys.platform != "linux", reason="AWS's client is for Linux"), id="aws"
    ),
    pytest.param(True, id="worker"),
]


@pytest.fixture(scope="session", params=KINDS)
def gateway(request, tmp_path_factory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway") / "sample"
    shutil.copytree(SAMPLE, folder)
    gateway_settings = settings(folder, worker=request.param)
    child = processes.start(
        "The gateway",
        [INSTALLED / "sam" / "bin" / "python", "-m", "local.gateway", gateway_settings.write(folder / "gateway.json")],
        log=folder / "gateway.log",
        environment={"SAM_CLI_TELEMETRY": "0", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"},
        directory=ROOT,
    )
    try:
        processes.wait_until_listening(child, gateway_settings.port, 120)
        url = f"http://{ports.HOST}:{gateway_settings.port}"
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            # the first start compiles the imports, which may take longer than the function's timeout of a second
            eventually(lambda: client.get("/show/it").status_code == 200)
            yield Gateway(client, f"http://{ports.HOST}:{gateway_settings.lambda_port}", folder, folder / "log")
    finally:
        child.stop()


class Endpoint(HTTPServer):
    """A Lambda endpoint that records its requests, and gives a fixed answer."""

    def __init__(self):
        super().__init__((ports.HOST, 0), Invocations)
        self.received = []
        self.answer = {}
        self.failing = False


class Invocations(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.received.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.send_response(200)
        if self.server.failing:
            self.send_header("X-Amz-Function-Error", "Unhandled")
        self.end_headers()
        self.wfile.write(json.dumps(self.server.answer).encode())

    def log_message(self, *_):
        """Write no log."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
