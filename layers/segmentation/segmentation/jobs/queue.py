"""The queue of jobs: a message says which job to take on, and nothing else, but where it is a dead letter sent again.

The queue of dead letters keeps what nobody could read, and one letter for each job that has failed. That names the
failure, so that the job begins anew once, however often the letter is sent.
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
from segmentation.runtime.timeouts import Patience

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


PATIENCE = Patience(connect_seconds=1, read_seconds=2, tries=2)
"""A client waits for it: what the queue does not take, the schedule sends again."""


class Message(BaseModel):
    """Which job to take on, and of a dead letter the failure after which it may begin anew."""

    job_id: UUID
    failed_at: AwareDatetime | None = None


def read(body: str) -> Message:
    """Return what a message says; raises ValueError for what is none of ours, and puts down why."""
    try:
        return Message.model_validate_json(body)
    except ValidationError as error:
        rules = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        logger.error("the message is none of ours", rules=rules)
        raise


def send(job_id: UUID) -> None:
    """Ask for a worker; raises botocore's errors where the queue does not answer."""
    _send(settings.jobs_queue_url(), Message(job_id=job_id))


def send_dead_letter(job_id: UUID, failed_at: datetime) -> None:
    """Leave it to a person whether a failed job shall begin anew; raises botocore's errors."""
    _send(settings.jobs_dead_letters_url(), Message(job_id=job_id, failed_at=failed_at))


def announce(job_id: UUID) -> None:
    """Ask for a worker as soon as the job can be seen.

    Where the queue does not answer, the schedule asks again, for the job is written down.
    """
    transactions.after_commit(partial(_announce, job_id))


def _announce(job_id: UUID) -> None:
    from botocore.exceptions import BotoCoreError, ClientError  # not before there is something to send

    try:
        send(job_id)
    except (BotoCoreError, ClientError):
        logger.exception("the queue does not answer", job_id=str(job_id))


def resend_lost(connection: Connection) -> None:
    """Send the messages of jobs again whose message, or whose worker, seems lost. Raises botocore's errors."""
    for job_id in leases.requeue_lost(connection):
        send(job_id)


def _send(queue_url: str, message: Message) -> None:
    _sqs().send_message(QueueUrl=queue_url, MessageBody=message.model_dump_json(exclude_none=True))


@cache
def _sqs() -> "SQSClient":
    import boto3  # not before there is something to send: the schedule rarely has

    client: SQSClient = boto3.client("sqs", config=PATIENCE.config())
    return client
