"""A worker in its own process, with steps so small that a few users need several."""

import json
import multiprocessing
import os
from multiprocessing.process import BaseProcess
from types import SimpleNamespace
from typing import Any

import boto3

from functions.run_job.app import handler
from segmentation.database.connection import get_connection
from segmentation.domain import deletion, publisher
from segmentation.domain.rollouts import job as rollout_job
from segmentation.reports import month_report, segment_export
from segmentation.reports.imports import applying, loading, verdicts
from segmentation.reports.stored_file import Sizes
from segmentation.runtime.log import logger
from tests.functions.calls import sample

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["pytest", "tests.chaos.killable_worker"])
boto3.client("s3", region_name="us-east-1")  # loads the description of S3 once for all processes
SMALL_STEPS = [
    (rollout_job, "BATCH_CHANGES", 8),
    (deletion, "BATCH_MEMBERS", 8),
    (month_report, "SIZES", Sizes(batch_rows=10, part_bytes=400)),
    (segment_export, "SIZES", Sizes(batch_rows=10, part_bytes=0)),
    (loading, "CHUNK_LINES", 15),
    (applying, "BATCH_LINES", 12),
    (applying, "BATCH_MEMBERS", 20),
    (applying, "COUNTED_MEMBERS", 20),
    (verdicts, "SIZES", Sizes(batch_rows=15, part_bytes=0)),
]


def start(job_id: str, milliseconds: int = 300_000) -> BaseProcess:
    """Start a worker on a job, with these environment variables and this much time."""
    process = PROCESSES.Process(target=work, args=(dict(os.environ), job_id, milliseconds))
    process.start()
    return process


def start_publisher() -> BaseProcess:
    """Start a publisher of events, with these environment variables."""
    process = PROCESSES.Process(target=publish, args=(dict(os.environ),))
    process.start()
    return process


def publish(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    logger.registered_handler.setStream(open(os.devnull, "w"))  # noqa: SIM115 -- open until this process ends
    publisher.publish(get_connection(), go_on=lambda: True)


def work(environment: dict[str, str], job_id: str, milliseconds: int) -> None:
    os.environ.update(environment)
    logger.registered_handler.setStream(open(os.devnull, "w"))  # noqa: SIM115 -- open until this process ends
    for module, name, value in SMALL_STEPS:
        setattr(module, name, value)
    failures = handler(delivery_of(job_id), SimpleNamespace(get_remaining_time_in_millis=lambda: milliseconds))
    assert failures == {"batchItemFailures": []}


def delivery_of(*job_ids: str) -> dict[str, Any]:
    """Return an SQS event with the messages of these jobs."""
    [record] = sample("run_job")["Records"]
    return {
        "Records": [
            record | {"messageId": f"message-{number}", "body": json.dumps({"job_id": job_id})}
            for number, job_id in enumerate(job_ids)
        ]
    }
