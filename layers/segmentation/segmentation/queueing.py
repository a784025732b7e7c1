"""The queue of jobs: a message says which job to take on, and nothing else."""

import functools
import json
import os
from typing import TYPE_CHECKING
from uuid import UUID

from segmentation.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def send(job_id: UUID) -> None:
    """Ask for a worker; raises botocore's errors where the queue does not answer."""
    _sqs().send_message(QueueUrl=os.environ["JOBS_QUEUE_URL"], MessageBody=json.dumps({"job_id": str(job_id)}))


def announce(job_id: UUID) -> None:
    """Ask for a worker; where the queue does not answer, the schedule asks again, for the job is written down."""
    from botocore.exceptions import BotoCoreError, ClientError  # not before there is something to send

    try:
        send(job_id)
    except (BotoCoreError, ClientError):
        logger.exception("the queue does not answer", job_id=str(job_id))


@functools.cache
def _sqs() -> "SQSClient":
    import boto3  # not before there is something to send: the schedule rarely has

    client: SQSClient = boto3.client("sqs")
    return client
