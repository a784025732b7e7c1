"""The template's queues on the local SQS, which is spoken to in SQS's own JSON protocol.

Not by boto3, because that would mind the developer's AWS profile and proxy, and takes longer to start than the queues.
"""

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import ports, template

ACCOUNT = "123456789012"
REGION = "us-east-1"
KIND = "AWS::SQS::Queue"
LONG_POLL_SECONDS = 20
# The signature itself is not checked; the service's name in it is what the server goes by.
SIGNATURE = f"AWS4-HMAC-SHA256 Credential=local/20230828/{REGION}/sqs/aws4_request"

Message = dict[str, Any]


class QueueRefused(Exception):
    """SQS did not do what it was asked."""


def arn(name: str) -> str:
    """Return the queue's name on all of AWS."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def attributes(properties: dict[str, Any]) -> dict[str, str]:
    """Return what the template says about a queue's visibility and about its dead letters, as SQS wants it."""
    wanted = {"VisibilityTimeout": str(properties.get("VisibilityTimeout", 30))}
    if redrive := properties.get("RedrivePolicy"):
        target = arn(template.referred(redrive["deadLetterTargetArn"]))
        wanted["RedrivePolicy"] = json.dumps({**redrive, "deadLetterTargetArn": target})
    return wanted


@dataclass(frozen=True)
class Queues:
    """The queues of the SQS that listens on a port."""

    port: int

    def url(self, name: str) -> str:
        """Return where clients find the queue."""
        return f"http://{ports.HOST}:{self.port}/{ACCOUNT}/{name}"

    def create(self, path: Path) -> None:
        """Create the template's queues, dead letters first."""
        wanted = {name: attributes(properties) for name, properties in template.of_type(path, KIND).items()}
        for name in sorted(wanted, key=lambda name: "RedrivePolicy" in wanted[name]):
            self.ask("CreateQueue", QueueName=name, Attributes=wanted[name])

    def receive(self, name: str, most: int, *, wait: bool = True) -> list[Message]:
        """Return messages, after waiting for them a while where there are none."""
        every = ["All"]
        received = self.ask(
            "ReceiveMessage",
            QueueUrl=self.url(name),
            MaxNumberOfMessages=most,
            WaitTimeSeconds=LONG_POLL_SECONDS if wait else 0,
            MessageSystemAttributeNames=every,
            MessageAttributeNames=every,
        )
        messages: list[Message] = received.get("Messages", [])
        return messages

    def delete(self, name: str, message: Message) -> None:
        """Take a message out of the queue for good."""
        self.ask("DeleteMessage", QueueUrl=self.url(name), ReceiptHandle=message["ReceiptHandle"])

    def give_back(self, name: str, message: Message, seconds: int) -> None:
        """Let a message be received again in a while."""
        handle = message["ReceiptHandle"]
        self.ask("ChangeMessageVisibility", QueueUrl=self.url(name), ReceiptHandle=handle, VisibilityTimeout=seconds)

    def move(self, source: str, target: str) -> int:
        """Put what is in one queue into another, as new messages, and return how many it were."""
        moved = 0
        while messages := self.receive(source, 10, wait=False):
            for message in messages:
                self.ask("SendMessage", QueueUrl=self.url(target), MessageBody=message["Body"])
                self.delete(source, message)
            moved += len(messages)
        return moved

    def ask(self, action: str, **members: Any) -> dict[str, Any]:
        """Have SQS do something and return its answer; raises QueueRefused."""
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{action}",
            "Authorization": SIGNATURE,
        }
        connection = http.client.HTTPConnection(ports.HOST, self.port)
        try:
            connection.request("POST", "/", json.dumps(members), headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise QueueRefused(f"{action}: {text}")
        answer: dict[str, Any] = json.loads(text or "{}")
        return answer
