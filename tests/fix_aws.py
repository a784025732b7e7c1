"""The AWS services that the project uses, simulated by moto in this process."""

import json
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend
from moto.server import ThreadedMotoServer

from segmentation.domain import event_bus
from segmentation.jobs import queue
from segmentation.reports import bucket


@dataclass(frozen=True)
class Aws:
    """The state of the simulated AWS."""

    s3: Any
    sqs: Any
    queue_url: str
    dead_letters_url: str

    def names(self) -> list[str]:
        """The names of the complete files."""
        return [found["Key"] for found in self.s3.list_objects_v2(Bucket="reports").get("Contents", [])]

    def body(self, name: str) -> bytes:
        """The bytes of a file."""
        body: bytes = self.s3.get_object(Bucket="reports", Key=f"reports/{name}")["Body"].read()
        return body

    def text(self, name: str) -> str:
        """The uncompressed text of a file. A compressed file must be one gzip member."""
        body = self.body(name)
        if not name.endswith(".gz"):
            return body.decode()
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        text = member.decompress(body)
        assert (member.eof, member.unused_data) == (True, b""), "not one gzip member"
        return text.decode()

    def uploads(self) -> list[Any]:
        """The uploads that are neither completed nor aborted."""
        return list(self.s3.list_multipart_uploads(Bucket="reports").get("Uploads", []))

    def messages(self) -> list[str]:
        """The job ids of the waiting messages. This deletes the messages."""
        return [json.loads(body)["job_id"] for body in self._receive(self.queue_url)]

    def dead_letters(self) -> list[str]:
        """The bodies of the dead letters. This deletes the dead letters."""
        return self._receive(self.dead_letters_url)

    def _receive(self, url: str) -> list[str]:
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in found]


_UPLOAD_PART = S3Backend.upload_part


def upload_part(backend: S3Backend, bucket: str, upload_id: str, number: int, body: bytes) -> Any:
    """Return the error of S3 for a part of an unknown upload. moto itself raises a KeyError."""
    if upload_id not in backend.get_bucket(bucket).multiparts:
        raise NoSuchUpload(upload_id=upload_id)
    return _UPLOAD_PART(backend, bucket, upload_id, number, body)


_MAKE = boto3.client
_MADE: dict[tuple[str, str, str], Any] = {}


def make_once(service: str, *, config: Config | None = None, **options: str) -> Any:
    """Return a client of boto3, the same one for equal options and settings. Most tests are shorter than making one."""
    environment = sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_"))
    key = (service, f"{environment} {options}", repr(config and vars(config)))
    if key not in _MADE:
        _MADE[key] = _MAKE(service, config=config, **options)
    return _MADE[key]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """The bucket of reports and the queues of jobs in moto."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-a-test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # an earlier session has other credentials
    monkeypatch.setattr(boto3, "client", make_once)
    monkeypatch.setenv("REPORTS_BUCKET", "reports")
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)  # tests have no parts of S3's minimum size
    monkeypatch.setattr(S3Backend, "upload_part", upload_part)
    clients = (bucket.client, queue._sqs, event_bus._client)
    with mock_aws():
        for client in clients:
            client.cache_clear()
        s3, sqs = boto3.client("s3"), boto3.client("sqs")
        s3.create_bucket(Bucket="reports", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        for name in ("JOBS_QUEUE_URL", "JOBS_DEAD_LETTERS_URL"):
            monkeypatch.setenv(name, sqs.create_queue(QueueName=name)["QueueUrl"])
        yield Aws(s3, sqs, os.environ["JOBS_QUEUE_URL"], os.environ["JOBS_DEAD_LETTERS_URL"])
        for client in clients:
            client.cache_clear()


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The URL of moto over HTTP, for clients other than boto3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def secrets_manager(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Secrets Manager without a secret in it, and an environment that leads there."""
    environment = {"AWS_ACCESS_KEY_ID": "of-a-test", "AWS_SECRET_ACCESS_KEY": "of-a-test", "AWS_REGION": "eu-central-1"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", moto_url)
    client = boto3.client("secretsmanager", endpoint_url=moto_url, region_name="eu-central-1")
    yield client
    for secret in client.list_secrets()["SecretList"]:
        client.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)


@pytest.fixture
def keep_secret(secrets_manager: Any) -> Callable[..., str]:
    """Store a secret in Secrets Manager and return its ARN."""

    def keep(name: str, **content: Any) -> str:
        arn: str = secrets_manager.create_secret(Name=name, SecretString=json.dumps(content))["ARN"]
        return arn

    return keep
