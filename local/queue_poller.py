"""The queues that feed functions, polled as Lambda polls SQS: each batch becomes an invocation.

Run by `.local/venv/bin/python -m local.queue_poller template.yaml LAMBDA_PORT SQS_PORT SECONDS_A_MINUTE`.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import banner, invocation, queues, template
from local.queues import Message, Queues

KIND = "AWS::Lambda::EventSourceMapping"
RETRY_SPEEDUP = 60
"""How many times sooner than in AWS, where it is half an hour, what failed comes back."""


@dataclass(frozen=True)
class Mapping:
    """Which queue's messages go to which function."""

    queue: str
    function: str
    batch: int
    at_once: int
    partial: bool
    retry_seconds: int


def mappings(path: Path, seconds_a_minute: float) -> Iterator[Mapping]:
    """Read the event source mappings of the template; time goes by as it does for the schedules."""
    sources = template.of_type(path, queues.KIND)
    for properties in template.of_type(path, KIND).values():
        queue = template.referred(properties["EventSourceArn"])
        visibility = int(sources[queue].get("VisibilityTimeout", 30))
        yield Mapping(
            queue=queue,
            function=template.referred(properties["FunctionName"]),
            batch=properties.get("BatchSize", 10),
            at_once=properties.get("ScalingConfig", {}).get("MaximumConcurrency", 2),
            partial="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
            retry_seconds=round(visibility * seconds_a_minute / 60 / RETRY_SPEEDUP),
        )


def event(mapping: Mapping, messages: Sequence[Message]) -> dict[str, Any]:
    """Return what Lambda sends to a function that is fed by a queue."""
    return {"Records": [record(mapping, message) for message in messages]}


def record(mapping: Mapping, message: Message) -> dict[str, Any]:
    """Return one message of the event."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {key[0].lower() + key[1:]: text for key, text in attribute.items()}
            | {"stringListValues": [], "binaryListValues": []}
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queues.arn(mapping.queue),
        "awsRegion": queues.REGION,
    }


def failures(answer: Any, messages: Sequence[Message]) -> set[str]:
    """Return the ids of the messages that the function says it failed at: all, where what it says makes no sense."""
    every = {message["MessageId"] for message in messages}
    try:
        named = {item["itemIdentifier"] for item in (answer or {}).get("batchItemFailures") or ()}
    except (AttributeError, KeyError, TypeError):
        return every
    return named if named <= every else every


def failed(mapping: Mapping, messages: Sequence[Message], lambda_port: int) -> set[str]:
    """Invoke the function and return the ids of the messages that it failed at."""
    try:
        answer = invocation.invoke(lambda_port, mapping.function, event(mapping, messages))
    except invocation.InvocationFailed as failure:
        banner.say(f"{mapping.queue}: {failure}")
        return {message["MessageId"] for message in messages}
    return failures(answer, messages) if mapping.partial else set()


def poll(mapping: Mapping, source: Queues, lambda_port: int) -> None:
    """Take one batch from the queue, if there is one; what failed goes back, and what did not is deleted."""
    messages = source.receive(mapping.queue, mapping.batch)
    back = failed(mapping, messages, lambda_port) if messages else set()
    for message in messages:
        if message["MessageId"] in back:
            source.give_back(mapping.queue, message, mapping.retry_seconds)
        else:
            source.delete(mapping.queue, message)


def keep_polling(mapping: Mapping, source: Queues, lambda_port: int) -> None:
    """Poll for as long as this process lives."""
    while True:
        poll(mapping, source, lambda_port)


def fail(failure: threading.ExceptHookArgs) -> None:
    """End the process with the thread: a queue that nobody polls must not go unnoticed."""
    threading.__excepthook__(failure)
    os._exit(1)


def main(path: str, lambda_port: str, sqs_port: str, seconds_a_minute: str) -> None:
    """Poll every queue in as many threads as there may be invocations at once."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    threading.excepthook = fail
    for mapping in [*mappings(Path(path), float(seconds_a_minute))]:
        arguments = (mapping, Queues(int(sqs_port)), int(lambda_port))
        for _ in range(mapping.at_once):
            threading.Thread(target=keep_polling, args=arguments, daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
