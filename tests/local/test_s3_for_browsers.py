"""The proxy of the local S3: preflights are answered, and everything else passes."""

import sys
from pathlib import Path

import boto3
import httpx
import pytest
from botocore.config import Config

from local import ports, processes, s3
from local.settings import CREDENTIALS, ROOT

ORIGIN = {"Origin": "http://localhost:8080"}


@pytest.fixture
def address(tmp_path):
    """The address of a proxy in front of an empty S3."""
    port, inner = ports.free(), ports.free()
    server = s3.start(inner, tmp_path / "data", ["reports"], tmp_path / "s3.log")
    proxy = processes.start(
        "The proxy of S3",
        [Path(sys.executable), "-m", "local.s3_for_browsers", str(port), str(inner)],
        log=tmp_path / "proxy.log",
        environment={"PYTHONPATH": str(ROOT / "layers" / "segmentation")},
        directory=ROOT,
    )
    processes.wait_until_listening(server, inner)
    processes.wait_until_listening(proxy, port)
    yield f"http://{ports.HOST}:{port}"
    proxy.stop()
    server.stop()


@pytest.fixture
def link(address):
    """Sign a link to one object."""
    key_id, key = CREDENTIALS
    client = boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=key,
        config=Config(signature_version="s3v4", request_checksum_calculation="when_required"),
    )
    yield lambda operation: client.generate_presigned_url(operation, Params={"Bucket": "reports", "Key": "imports/a"})
    client.close()


def test_preflight_of_an_upload_is_answered(link):
    asked = ORIGIN | {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}

    answer = httpx.options(link("put_object"), headers=asked)

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert "content-type" in answer.headers["access-control-allow-headers"]


def test_upload_and_download_of_a_page_pass_and_may_be_read(link):
    text = b"1\n2\n" * 100_000

    put = httpx.put(link("put_object"), content=text, headers=ORIGIN)
    got = httpx.get(link("get_object"), headers=ORIGIN)

    assert (put.status_code, got.content) == (200, text)
    assert got.headers.get_list("access-control-allow-origin") == ["*"]


def test_preflight_after_a_request_on_the_same_client_is_answered_too(link):
    with httpx.Client() as client:
        client.put(link("put_object"), content=b"1", headers=ORIGIN)
        answer = client.options(link("put_object"), headers=ORIGIN)

    assert answer.status_code == 204


def test_request_without_a_valid_signature_is_refused(link):
    assert httpx.put(link("put_object")[:-1], content=b"1", headers=ORIGIN).status_code == 403


def test_connection_of_another_client_stays_open(link):
    with httpx.Client() as client:
        answer = client.put(link("put_object"), content=b"1")

    assert answer.headers.get("connection") != "close"
