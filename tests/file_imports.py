"""Imports for tests that write in many ways: order, upload, start, work, and the expected verdicts of a file."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import boto3
from psycopg import Connection

from functions.run_job.app import KINDS
from segmentation.access.permissions import Caller
from segmentation.contract.requests import NewImport
from segmentation.contract.responses import Job
from segmentation.jobs import leases, worker
from segmentation.reports.imports import orders

ANALYST = Caller("analyst", "editor", 4102444800)


def put(import_id: Any, body: bytes) -> None:
    """Upload the file of an import."""
    boto3.client("s3").put_object(Bucket="reports", Key=f"imports/{import_id}", Body=body)


def begin(connection: Connection[Any], wanted: NewImport, body: bytes) -> Any:
    """Order an import, upload its file, and start it. Return the id of its job."""
    made = orders.create(connection, wanted, actor=ANALYST.subject)
    put(made.import_id, body)
    return orders.start(connection, made.import_id, caller=ANALYST).job_id


def finish(connection: Connection[Any], job_id: Any) -> Job:
    """Deliver a job until it ends, and check that the verdicts add up to the lines."""
    while leases.get(connection, job_id).finished_at is None:
        worker.deliver(connection, job_id, kinds=KINDS, time_left=lambda: True)
    job = leases.get(connection, job_id)
    if job.kind == orders.IMPORT and job.result:
        assert job.status == "failed" or sum(job.result["verdicts"].values()) == job.result["lines"]
    return job


def go_on(connection: Connection[Any], job_id: Any) -> None:
    """Deliver a job to a worker that has time for one step."""
    worker.deliver(connection, job_id, kinds=KINDS, time_left=lambda: False)


def written(cells: Iterable[str]) -> bytes:
    """Return a file with these ids."""
    return "".join(f"{cell}\n" for cell in ["user_id", *cells]).encode()


def verdicts(cells: Iterable[str], members: set[int], mode: str) -> Counter[str]:
    """Return the verdicts of a file with these ids, for a segment with these members."""
    named: set[int] = set()
    found: Counter[str] = Counter()
    for cell in filter(None, cells):
        if not (cell.isdecimal() and cell[0] != "0"):
            found["invalid"] += 1
        elif int(cell) in named:
            found["duplicate"] += 1
        else:
            named.add(int(cell))
            found[_verdict(int(cell) in members, mode)] += 1
    return found


def _verdict(is_member: bool, mode: str) -> str:
    if mode == "remove":
        return "removed" if is_member else "absent"
    return "already" if is_member else "added"
