"""The queue of jobs: a message says which job to take on, and nothing else."""

import json
import os
from functools import cache, partial
from typing import TYPE_CHECKING
from uuid import UUID

from segmentation import database
from segmentation.patience import Patience
from segmentation.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


PATIENCE = Patience(connect_seconds=1, read_seconds=2, tries=2)
"""A client waits for it: what the queue does not take, the schedule sends again."""


def send(job_id: UUID) -> None:
    """Ask for a worker; raises botocore's errors where the queue does not answer."""
    _sqs().send_message(QueueUrl=os.environ["JOBS_QUEUE_URL"], MessageBody=json.dumps({"job_id": str(job_id)}))


def announce(job_id: UUID) -> None:
    """Ask for a worker as soon as the job can be seen.

    Where the queue does not answer, the schedule asks again, for the job is written down.
    """
    database.after_commit(partial(_announce, job_id))


def _announce(job_id: UUID) -> None:
    from botocore.exceptions import BotoCoreError, ClientError  # not before there is something to send

    try:
        send(job_id)
    except (BotoCoreError, ClientError):
        logger.exception("the queue does not answer", job_id=str(job_id))


@cache
def _sqs() -> "SQSClient":
    import boto3  # not before there is something to send: the schedule rarely has

    client: SQSClient = boto3.client("sqs", config=PATIENCE.config())
    return client
