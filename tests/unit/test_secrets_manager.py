"""Secrets Manager without boto3: signed as botocore signs, patient for a moment, silent about secrets."""

import os
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from segmentation.runtime import secrets_manager as runtime_secrets_manager
from segmentation.runtime import settings

HOST = "secretsmanager.eu-central-1.amazonaws.com"
BODY = b'{"SecretId": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:one"}'
MOMENT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(runtime_secrets_manager, "PAUSES_SECONDS", (0, 0))


@pytest.mark.parametrize("token", ["", "of/a+session=="])
def test_signature_is_botocores(monkeypatch, token):
    environment = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "k/+=", "AWS_REGION": "eu-central-1"}
    ours = runtime_secrets_manager.signed_headers(HOST, BODY, environment | {"AWS_SESSION_TOKEN": token}, MOMENT)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: MOMENT)
    unsigned = {name: ours[name] for name in ("content-type", "x-amz-target")}
    request = AWSRequest("POST", f"https://{HOST}/", headers=unsigned, data=BODY)

    SigV4Auth(Credentials("AKID", "k/+=", token or None), "secretsmanager", "eu-central-1").add_auth(request)

    assert ours["authorization"] == request.headers["Authorization"]


def test_secret_is_read(keep_secret):
    arn = keep_secret("one", password="päss")  # noqa: S106 -- of this test

    assert runtime_secrets_manager.read(arn, os.environ) == '{"password": "p\\u00e4ss"}'


def test_the_environments_own_text_wins_over_the_secret(monkeypatch):
    monkeypatch.setenv("THING", "itself")
    monkeypatch.setenv("THING_SECRET_ARN", "arn:of:nothing")

    assert settings.secret("THING") == "itself"


def test_the_named_secret_is_read(monkeypatch, keep_secret):
    monkeypatch.setenv("THING_SECRET_ARN", keep_secret("thing", a=1))

    assert settings.secret("THING") == '{"a": 1}'


def test_nothing_is_read_where_nothing_is_named():
    assert settings.secret("NOT_SET_ANYWHERE") is None


def test_an_unknown_secret_is_said_to_be_so(secrets_manager):
    with pytest.raises(runtime_secrets_manager.SecretUnreadable, match="ResourceNotFoundException"):
        runtime_secrets_manager.read("arn:of:nothing", os.environ)


class Overloaded(BaseHTTPRequestHandler):
    """Counts the tries."""

    def do_POST(self):
        self.server.tries += 1
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(503 if self.server.tries < 3 else 200)
        self.end_headers()
        self.wfile.write(b'{"SecretString": "found"}')

    def log_message(self, *_):
        """Stay silent."""


@pytest.fixture
def overloaded(monkeypatch, secrets_manager):
    """A Secrets Manager that answers at the third try only."""
    with HTTPServer(("127.0.0.1", 0), Overloaded) as server:
        server.tries = 0
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()
        thread.join()


def test_a_failure_that_passes_is_waited_out(overloaded):
    assert runtime_secrets_manager.read("arn:one", os.environ) == "found"
    assert overloaded.tries == 3


def test_a_place_where_nothing_listens_is_an_error_of_ours(monkeypatch, secrets_manager):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")

    with pytest.raises(runtime_secrets_manager.SecretUnreadable, match="ConnectionRefusedError"):
        runtime_secrets_manager.read("arn:one", os.environ)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "secretsmanager.eu-central-1.amazonaws.com"),
        ("cn-north-1", "secretsmanager.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_the_endpoint_is_the_regions(monkeypatch, region, host):
    monkeypatch.delenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", raising=False)
    monkeypatch.setenv("AWS_REGION", region)

    assert runtime_secrets_manager._endpoint(os.environ).geturl() == f"https://{host}"
