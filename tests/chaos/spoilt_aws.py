"""S3 as rclone serves it and SQS as moto does, and between the service and each of them somebody who spoils things."""

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
from segmentation.reports import storage
from tests.chaos.meddler import Meddler, meddler_before
from tests.fix_aws import Aws


@dataclass(frozen=True)
class Line:
    """A server's client for the tests, and the meddler that the service asks instead."""

    client: Any
    meddler: Meddler


@contextmanager
def line_to(service, port):
    key_id, key = CREDENTIALS
    client = boto3.client(
        service,
        endpoint_url=f"http://{ports.HOST}:{port}",
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=key,
    )
    with meddler_before(port) as meddler:
        yield Line(client, meddler)


@pytest.fixture(scope="module")
def s3_line(tmp_path_factory):
    port = ports.free()
    folder: Path = tmp_path_factory.mktemp("s3")
    server = s3.start(port, folder / "data", ["reports"], folder / "log")
    processes.wait_until_listening(server, port)
    storage._s3.cache_clear()
    with line_to("s3", port) as line:
        yield line
    storage._s3.cache_clear()
    server.stop()


@pytest.fixture(scope="module")
def sqs_line():
    server = ThreadedMotoServer(ip_address=ports.HOST, port=0, verbose=False)
    server.start()
    job_queue._sqs.cache_clear()
    with line_to("sqs", server.get_host_and_port()[1]) as line:
        yield line
    job_queue._sqs.cache_clear()
    server.stop()


@pytest.fixture
def of_s3(s3_line):
    yield s3_line.meddler
    s3_line.meddler.mend()
    empty(s3_line.client)


@pytest.fixture
def of_sqs(sqs_line):
    yield sqs_line.meddler
    sqs_line.meddler.mend()


@pytest.fixture
def aws(of_s3, of_sqs, s3_line, sqs_line, monkeypatch):
    """A bucket and a queue that the service asks for by way of the meddlers, and the tests directly."""
    queues = [sqs_line.client.create_queue(QueueName=name)["QueueUrl"] for name in ("jobs", "dead-letters")]
    told = {
        "AWS_ACCESS_KEY_ID": CREDENTIALS[0],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": of_s3.url,
        "AWS_ENDPOINT_URL_SQS": of_sqs.url,
        "REPORTS_BUCKET": "reports",
        "JOBS_QUEUE_URL": queues[0],
        "JOBS_DEAD_LETTERS_URL": queues[1],
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # another's keeps the credentials that it was made with
    yield Rclone(s3_line.client, sqs_line.client, *queues)
    for queue in queues:
        sqs_line.client.delete_queue(QueueUrl=queue)


def empty(client):
    for found in client.list_objects_v2(Bucket="reports").get("Contents", []):
        client.delete_object(Bucket="reports", Key=found["Key"])


class Rclone(Aws):
    """What the service left, where S3 is rclone."""

    def uploads(self):
        try:
            return super().uploads()
        except self.s3.exceptions.NoSuchUpload:  # how rclone says that there are none
            return []
