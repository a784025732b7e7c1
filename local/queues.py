"""The template's queues on the local SQS."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from local import ports, template
from local.settings import CREDENTIALS

ACCOUNT = "123456789012"
REGION = "us-east-1"
KIND = "AWS::SQS::Queue"
LONG_POLL_SECONDS = 20
IGNORE_THE_DEVELOPERS_PROFILE = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}

Message = Any
"""A message as boto3 returns it."""


def arn(name: str) -> str:
    """Return the queue's ARN."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def attributes(properties: dict[str, Any]) -> dict[str, str]:
    """Return a queue's visibility timeout and redrive policy, in the form that SQS takes."""
    wanted = {"VisibilityTimeout": str(properties.get("VisibilityTimeout", 30))}
    if redrive := properties.get("RedrivePolicy"):
        target = arn(template.referred(redrive["deadLetterTargetArn"]))
        wanted["RedrivePolicy"] = json.dumps({**redrive, "deadLetterTargetArn": target})
    return wanted


@dataclass(frozen=True)
class Queues:
    """The queues of the SQS that listens on a port. A call raises botocore's BotoCoreError or ClientError."""

    port: int

    @cached_property
    def client(self) -> Any:
        """Return a client for this SQS."""
        return self.client_of("sqs")

    def client_of(self, service: str) -> Any:
        """Return a client for a service of this server. The developer's AWS profile and proxy have no influence."""
        import boto3  # the import is slow, and a run that only prints its usage does not need it
        import botocore.session
        from botocore.config import Config

        session = botocore.session.Session(session_vars=IGNORE_THE_DEVELOPERS_PROFILE)
        key_id, key = CREDENTIALS
        return boto3.Session(key_id, key, region_name=REGION, botocore_session=session).client(
            service,
            endpoint_url=f"http://{ports.HOST}:{self.port}",
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )

    def url(self, name: str) -> str:
        """Return the queue's URL."""
        return f"http://{ports.HOST}:{self.port}/{ACCOUNT}/{name}"

    def create(self, path: Path) -> None:
        """Create the template's queues. A dead-letter queue must exist before the queue that names it."""
        wanted = {name: attributes(properties) for name, properties in template.of_type(path, KIND).items()}
        for name in sorted(wanted, key=lambda name: "RedrivePolicy" in wanted[name]):
            self.client.create_queue(QueueName=name, Attributes=wanted[name])

    def receive(self, name: str, most: int, *, wait: bool = True) -> list[Message]:
        """Return up to `most` messages. Wait for the first one unless `wait` is false."""
        received = self.client.receive_message(
            QueueUrl=self.url(name),
            MaxNumberOfMessages=most,
            WaitTimeSeconds=LONG_POLL_SECONDS if wait else 0,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return [*received.get("Messages", [])]

    def delete(self, name: str, message: Message) -> None:
        """Delete a message from the queue."""
        self.client.delete_message(QueueUrl=self.url(name), ReceiptHandle=message["ReceiptHandle"])

    def give_back(self, name: str, message: Message, seconds: int) -> None:
        """Make a message visible again after some seconds."""
        self.client.change_message_visibility(
            QueueUrl=self.url(name), ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
        )

    def move(self, source: str, target: str) -> int:
        """Move the messages of one queue to another, as new messages. Return their number."""
        moved = 0
        while messages := self.receive(source, 10, wait=False):
            for message in messages:
                self.client.send_message(QueueUrl=self.url(target), MessageBody=message["Body"])
                self.delete(source, message)
            moved += len(messages)
        return moved
