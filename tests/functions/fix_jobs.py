"""A fixture that runs the worker as SQS does."""

import importlib
import json
from types import SimpleNamespace

import pytest

from tests.functions.calls import sample


@pytest.fixture
def run_jobs(aws):
    """Deliver the waiting messages as SQS does. Return the answer of the worker."""

    def run(*bodies):
        event = sample("run_job")
        [record] = event["Records"]
        bodies = bodies or [json.dumps({"job_id": job_id}) for job_id in aws.messages()]
        event["Records"] = [{**record, "messageId": str(number), "body": body} for number, body in enumerate(bodies)]
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)
        return importlib.import_module("functions.run_job.app").handler(event, context)

    return run
