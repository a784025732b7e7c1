"""The local S3 and SQS, with AWS's own client."""

import boto3
import pytest
from botocore.exceptions import ClientError

from local.settings import CREDENTIALS


def connect(run, service, offset, secret=CREDENTIALS[1]):
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{run.port + offset}",
        region_name="us-east-1",
        aws_access_key_id=CREDENTIALS[0],
        aws_secret_access_key=secret,
    )


def test_s3_stores_objects_in_the_data_folder(local_run):
    storage = connect(local_run, "s3", 2)
    storage.create_bucket(Bucket="reports")

    storage.put_object(Bucket="reports", Key="one.csv", Body=b"a,b\r\n")

    assert storage.get_object(Bucket="reports", Key="one.csv")["Body"].read() == b"a,b\r\n"
    assert (local_run.state / "data" / "s3" / "reports" / "one.csv").read_bytes() == b"a,b\r\n"


def test_s3_checks_signatures(local_run):
    storage = connect(local_run, "s3", 2, secret="another")  # noqa: S106 - not a secret

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        storage.list_buckets()


def test_sqs_delivers_a_message(local_run):
    queues = connect(local_run, "sqs", 3)
    url = queues.create_queue(QueueName="jobs")["QueueUrl"]

    queues.send_message(QueueUrl=url, MessageBody="work")

    (message,) = queues.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "work"
