"""Secrets Manager without boto3: requests are signed like those of botocore, and failures are retried."""

import os
import ssl
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.settings import ROOT
from segmentation.runtime import secrets_manager as runtime_secrets_manager
from segmentation.runtime import settings

CERTIFICATES = ROOT / "layers" / "segmentation" / "certificates"
HOST = "secretsmanager.eu-central-1.amazonaws.com"
BODY = b'{"SecretId": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:one"}'
MOMENT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(runtime_secrets_manager, "PAUSES_SECONDS", (0, 0))


@pytest.mark.parametrize("token", ["", "of/a+session=="])
def test_signature_equals_that_of_botocore(monkeypatch, token):
    environment = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "k/+=", "AWS_REGION": "eu-central-1"}
    ours = runtime_secrets_manager.signed_headers(HOST, BODY, environment | {"AWS_SESSION_TOKEN": token}, MOMENT)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: MOMENT)
    unsigned = {name: ours[name] for name in ("content-type", "x-amz-target")}
    request = AWSRequest("POST", f"https://{HOST}/", headers=unsigned, data=BODY)

    SigV4Auth(Credentials("AKID", "k/+=", token or None), "secretsmanager", "eu-central-1").add_auth(request)

    assert ours["authorization"] == request.headers["Authorization"]


def test_secret_is_read(keep_secret):
    arn = keep_secret("one", password="päss")  # noqa: S106 -- used in this test only

    assert runtime_secrets_manager.read(arn, os.environ) == '{"password": "p\\u00e4ss"}'


@pytest.mark.parametrize("file", sorted(CERTIFICATES.glob("*.pem")), ids=lambda file: file.name)
def test_a_connection_trusts_the_authorities_of_a_file_alone(file):
    endpoint = urlsplit(f"https://{HOST}")

    connection = runtime_secrets_manager._connection(endpoint, str(file))

    assert len(connection._context.get_ca_certs()) == file.read_text().count("BEGIN CERTIFICATE")


@pytest.mark.parametrize("file", sorted(CERTIFICATES.glob("*.pem")), ids=lambda file: file.name)
def test_no_authority_of_the_layer_ends_within_a_year(file):
    context = ssl.create_default_context(cafile=str(file))

    ends = [ssl.cert_time_to_seconds(each["notAfter"]) for each in context.get_ca_certs()]

    assert min(ends) > time.time() + 365 * 86_400


def test_a_value_in_the_environment_takes_precedence_over_the_secret(monkeypatch):
    monkeypatch.setenv("THING", "itself")
    monkeypatch.setenv("THING_SECRET_ARN", "arn:of:nothing")

    assert settings.secret("THING") == "itself"


def test_the_named_secret_is_read(monkeypatch, keep_secret):
    monkeypatch.setenv("THING_SECRET_ARN", keep_secret("thing", a=1))

    assert settings.secret("THING") == '{"a": 1}'


def test_no_name_in_the_environment_means_no_value():
    assert settings.secret("NOT_SET_ANYWHERE") is None


def test_the_error_says_that_a_secret_is_unknown(secrets_manager):
    with pytest.raises(runtime_secrets_manager.SecretUnreadable, match="ResourceNotFoundException"):
        runtime_secrets_manager.read("arn:of:nothing", os.environ)


class Overloaded(BaseHTTPRequestHandler):
    """Refuse the first two requests, and count all of them."""

    def do_POST(self):
        self.server.tries += 1
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(503 if self.server.tries < 3 else 200)
        self.end_headers()
        self.wfile.write(b'{"SecretString": "found"}')

    def log_message(self, *_):
        """Write no access log."""


@pytest.fixture
def overloaded(monkeypatch, secrets_manager):
    """A Secrets Manager that answers the third request only."""
    with HTTPServer(("127.0.0.1", 0), Overloaded) as server:
        server.tries = 0
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()
        thread.join()


def test_a_transient_failure_is_retried(overloaded):
    assert runtime_secrets_manager.read("arn:one", os.environ) == "found"
    assert overloaded.tries == 3


def test_a_refused_connection_is_an_unreadable_secret(monkeypatch, secrets_manager):
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
def test_the_endpoint_is_that_of_the_region(monkeypatch, region, host):
    monkeypatch.delenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", raising=False)
    monkeypatch.setenv("AWS_REGION", region)

    assert runtime_secrets_manager._endpoint(os.environ).geturl() == f"https://{host}"
