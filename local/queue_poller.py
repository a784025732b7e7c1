"""A poller of the queues that feed functions, as Lambda polls SQS: each batch becomes an invocation.

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
"""How many times sooner than on AWS a failed message comes back. On AWS it takes half an hour."""


@dataclass(frozen=True)
class Mapping:
    """An event source mapping: a queue, and the function that gets its messages."""

    queue: str
    function: str
    batch: int
    at_once: int
    partial: bool
    retry_seconds: int


def mappings(path: Path, seconds_a_minute: float) -> Iterator[Mapping]:
    """Return the event source mappings of the template. A minute has as many seconds as for the schedules."""
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
    """Return the event that Lambda sends to a function for messages of a queue."""
    return {"Records": [record(mapping, message) for message in messages]}


def record(mapping: Mapping, message: Message) -> dict[str, Any]:
    """Return one record of the event."""
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
    """Return the ids of the messages that failed, from a partial batch response. An invalid response means all."""
    every = {message["MessageId"] for message in messages}
    try:
        named = {item["itemIdentifier"] for item in (answer or {}).get("batchItemFailures") or ()}
    except (AttributeError, KeyError, TypeError):
        return every
    return named if named <= every else every


def failed(mapping: Mapping, messages: Sequence[Message], lambda_port: int) -> set[str]:
    """Invoke the function, and return the ids of the messages that failed."""
    try:
        answer = invocation.invoke(lambda_port, mapping.function, event(mapping, messages))
    except invocation.InvocationFailed as failure:
        banner.say(f"{mapping.queue}: {failure}")
        return {message["MessageId"] for message in messages}
    return failures(answer, messages) if mapping.partial else set()


def poll(mapping: Mapping, source: Queues, lambda_port: int) -> None:
    """Receive one batch, if there is one. Give the failed messages back, and delete the others."""
    messages = source.receive(mapping.queue, mapping.batch)
    back = failed(mapping, messages, lambda_port) if messages else set()
    for message in messages:
        if message["MessageId"] in back:
            source.give_back(mapping.queue, message, mapping.retry_seconds)
        else:
            source.delete(mapping.queue, message)


def keep_polling(mapping: Mapping, source: Queues, lambda_port: int) -> None:
    """Poll until this process ends."""
    while True:
        poll(mapping, source, lambda_port)


def fail(failure: threading.ExceptHookArgs) -> None:
    """End the process when a thread fails. Otherwise a queue without a poller would go unnoticed."""
    threading.__excepthook__(failure)
    os._exit(1)


def main(path: str, lambda_port: str, sqs_port: str, seconds_a_minute: str) -> None:
    """Poll each queue in as many threads as its function may have invocations at once."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    threading.excepthook = fail
    for mapping in [*mappings(Path(path), float(seconds_a_minute))]:
        arguments = (mapping, Queues(int(sqs_port)), int(lambda_port))
        for _ in range(mapping.at_once):
            threading.Thread(target=keep_polling, args=arguments, daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
