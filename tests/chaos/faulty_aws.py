"""S3 (rclone) and SQS (moto), each behind a proxy that injects faults into the requests of the service."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from local import ports, processes, s3
from local.settings import CREDENTIALS
from segmentation.jobs import queue as job_queue
from segmentation.reports import bucket
from tests.chaos.http_proxy import HttpProxy, http_proxy
from tests.fix_aws import Aws


@dataclass(frozen=True)
class FaultyService:
    """A client with which tests reach the server directly, and the proxy that the service uses."""

    client: Any
    proxy: HttpProxy


@contextmanager
def behind_a_proxy(service, port):
    key_id, key = CREDENTIALS
    client = boto3.client(
        service,
        endpoint_url=f"http://{ports.HOST}:{port}",
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=key,
    )
    with http_proxy(port) as proxy:
        yield FaultyService(client, proxy)


@pytest.fixture(scope="module")
def faulty_s3(tmp_path_factory):
    port = ports.free()
    folder: Path = tmp_path_factory.mktemp("s3")
    server = s3.start(port, folder / "data", ["reports"], folder / "log")
    processes.wait_until_listening(server, port)
    bucket.client.cache_clear()
    with behind_a_proxy("s3", port) as faulty:
        yield faulty
    bucket.client.cache_clear()
    server.stop()


@pytest.fixture(scope="module")
def faulty_sqs():
    server = ThreadedMotoServer(ip_address=ports.HOST, port=0, verbose=False)
    server.start()
    job_queue._sqs.cache_clear()
    with behind_a_proxy("sqs", server.get_host_and_port()[1]) as faulty:
        yield faulty
    job_queue._sqs.cache_clear()
    server.stop()


@pytest.fixture
def s3_proxy(faulty_s3):
    yield faulty_s3.proxy
    faulty_s3.proxy.reset()
    empty(faulty_s3.client)


@pytest.fixture
def sqs_proxy(faulty_sqs):
    yield faulty_sqs.proxy
    faulty_sqs.proxy.reset()


@pytest.fixture
def aws(s3_proxy, sqs_proxy, faulty_s3, faulty_sqs, monkeypatch):
    """A bucket and queues. The service reaches them through the proxies, the tests reach them directly."""
    queues = [faulty_sqs.client.create_queue(QueueName=name)["QueueUrl"] for name in ("jobs", "dead-letters")]
    environment = {
        "AWS_ACCESS_KEY_ID": CREDENTIALS[0],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": s3_proxy.url,
        "AWS_ENDPOINT_URL_SQS": sqs_proxy.url,
        "REPORTS_BUCKET": "reports",
        "JOBS_QUEUE_URL": queues[0],
        "JOBS_DEAD_LETTERS_URL": queues[1],
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # a session of another test keeps its credentials
    yield Rclone(faulty_s3.client, faulty_sqs.client, *queues)
    for queue in queues:
        faulty_sqs.client.delete_queue(QueueUrl=queue)


def empty(client):
    for found in client.list_objects_v2(Bucket="reports").get("Contents", []):
        client.delete_object(Bucket="reports", Key=found["Key"])


class Rclone(Aws):
    """The files and messages of the service, with rclone as S3."""

    def uploads(self):
        try:
            return super().uploads()
        except self.s3.exceptions.NoSuchUpload:  # rclone's answer if there are no uploads
            return []
