"""S3 as rclone serves it and SQS as moto does, and between the service and each of them somebody who spoils things."""

from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from local import ports, processes, s3
from local.settings import CREDENTIALS
from segmentation import queueing, storage
from tests.chaos.meddler import meddler_before
from tests.fix_aws import Aws


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory):
    port = ports.free()
    folder: Path = tmp_path_factory.mktemp("s3")
    server = s3.start(port, folder / "data", ["reports"], folder / "log")
    processes.wait_until_listening(server, port)
    yield port
    server.stop()


@pytest.fixture(scope="module")
def sqs_server():
    server = ThreadedMotoServer(ip_address=ports.HOST, port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


def client(name, port):
    key_id, key = CREDENTIALS
    return boto3.client(
        name,
        endpoint_url=f"http://{ports.HOST}:{port}",
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=key,
    )


@pytest.fixture
def of_s3(s3_server):
    with meddler_before(s3_server) as between:
        yield between


@pytest.fixture
def of_sqs(sqs_server):
    with meddler_before(sqs_server) as between:
        yield between


@pytest.fixture
def aws(of_s3, of_sqs, s3_server, sqs_server, monkeypatch):
    """A bucket and a queue that the service asks for by way of the meddlers, and the tests directly."""
    key_id, key = CREDENTIALS
    sqs = client("sqs", sqs_server)
    url, dead_letters = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("jobs", "dead-letters"))
    told = {
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": of_s3.url,
        "AWS_ENDPOINT_URL_SQS": of_sqs.url,
        "REPORTS_BUCKET": "reports",
        "JOBS_QUEUE_URL": url,
        "JOBS_DEAD_LETTERS_URL": dead_letters,
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    storage._s3.cache_clear()
    queueing._sqs.cache_clear()
    yield Rclone(client("s3", s3_server), sqs, url, dead_letters)
    storage._s3.cache_clear()
    queueing._sqs.cache_clear()
    for queue in (url, dead_letters):
        sqs.delete_queue(QueueUrl=queue)
    for found in client("s3", s3_server).list_objects_v2(Bucket="reports").get("Contents", []):
        client("s3", s3_server).delete_object(Bucket="reports", Key=found["Key"])


class Rclone(Aws):
    """What the service left, where S3 is rclone."""

    def uploads(self):
        try:
            return super().uploads()
        except self.s3.exceptions.NoSuchUpload:  # how rclone says that there are none
            return []
