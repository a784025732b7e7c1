"""Run every function while no file can be written, and print the outcome as JSON.

Run it as `python -m tests.chaos.without_disk`, with the environment variables of a function.
"""

import json
import os
import resource
import sys
from types import SimpleNamespace
from typing import Any

from functions.expire_memberships.app import handler as run_schedule
from functions.run_job.app import handler as run_job
from tests.functions.calls import answer_of, call, invoke, sample
from tests.functions.factories import create_samples_world
from tests.samples import HTTP_SAMPLES

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
MINUTES = SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)


def main() -> None:
    """Serve every sample event, write a report of a month, and run the schedule."""
    written: list[str] = []
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.addaudithook(lambda event, arguments: record_write(written, event, arguments))
    create_samples_world()
    statuses = {function: answer_of(invoke(function, sample(function))).status for function in HTTP_SAMPLES}
    job_id = call("create_report", {"year": 2023, "month": 8, "format": "csv.gz"}).json["job_id"]
    event = sample("run_job")
    event["Records"][0]["body"] = json.dumps({"job_id": job_id})
    run_job(event, MINUTES)
    run_schedule({}, MINUTES)
    job = call("show_job", path=f"/job/{job_id}").json
    sys.stdout.write(json.dumps({"statuses": statuses, "job": job["status"], "written": written}) + "\n")


def record_write(written: list[str], event: str, arguments: tuple[Any, ...]) -> None:
    """Record the name of a file that is created or opened for writing."""
    if (event == "open" and arguments[2] & WRITING) or event in {"os.mkdir", "tempfile.mkstemp", "tempfile.mkdtemp"}:
        written.append(str(arguments[0]))


if __name__ == "__main__":
    main()
