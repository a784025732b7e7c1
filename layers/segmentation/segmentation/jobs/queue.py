"""The queue of jobs. A message holds the id of a job, and a resent dead letter also the failure that it follows.

The dead-letter queue keeps unreadable messages, and one letter for each failed job. The letter names the failure, so
the job restarts once, however often the letter is sent.
"""

from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING
from uuid import UUID

from psycopg import Connection
from pydantic import AwareDatetime, BaseModel, ValidationError

from segmentation.database import transactions
from segmentation.jobs import leases
from segmentation.runtime import settings
from segmentation.runtime.log import logger
from segmentation.runtime.timeouts import Timeouts

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


TIMEOUTS = Timeouts(connect_seconds=1, read_seconds=2, tries=2)
"""Short, because a client waits meanwhile. If a message is not sent, the schedule sends it later."""


class Message(BaseModel):
    """The job to run. In a dead letter, also the time of the failure after which the job may restart."""

    job_id: UUID
    failed_at: AwareDatetime | None = None


def read(body: str) -> Message:
    """Return the parsed message. Log the broken rules and raise ValueError if it is not valid."""
    try:
        return Message.model_validate_json(body)
    except ValidationError as error:
        rules = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        logger.error("the message is not valid", rules=rules)
        raise


def send(job_id: UUID) -> None:
    """Send the message that starts a worker. Raises botocore's errors if the queue does not answer."""
    _send(settings.jobs_queue_url(), Message(job_id=job_id))


def send_dead_letter(job_id: UUID, failed_at: datetime) -> None:
    """Send a dead letter, with which an operator can restart a failed job. Raises botocore's errors."""
    _send(settings.jobs_dead_letters_url(), Message(job_id=job_id, failed_at=failed_at))


def request_worker(job_id: UUID) -> None:
    """Send the message that starts a worker, after the commit of the job.

    If the queue does not answer, the schedule sends the message later, because the job is already stored.
    """
    transactions.after_commit(partial(_try_to_send, job_id))


def _try_to_send(job_id: UUID) -> None:
    from botocore.exceptions import BotoCoreError, ClientError  # a slow import, delayed until it is needed

    try:
        send(job_id)
    except (BotoCoreError, ClientError):
        logger.exception("the queue does not answer", job_id=str(job_id))


def resend_lost(connection: Connection) -> None:
    """Resend the message of each job whose message or worker seems lost. Raises botocore's errors."""
    for job_id in leases.requeue_lost(connection):
        send(job_id)


def _send(queue_url: str, message: Message) -> None:
    _sqs().send_message(QueueUrl=queue_url, MessageBody=message.model_dump_json(exclude_none=True))


@cache
def _sqs() -> "SQSClient":
    import boto3  # a slow import, delayed until there is a message to send: the schedule rarely has one

    client: SQSClient = boto3.client("sqs", config=TIMEOUTS.config())
    return client
