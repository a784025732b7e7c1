"""Run jobs that store a file, and compare them with the server's own COPY to /dev/null."""

import multiprocessing
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import uuid4

from psycopg import Connection

from benchmarks.databases import Databases
from benchmarks.results import Check, Timings, figure, speed
from benchmarks.timing import Say, latest
from segmentation.database.connection import connect
from segmentation.jobs.leases import Kind

Copy = LiteralString
"""A statement that copies the rows of the file to /dev/null. Only the superuser may run it."""


class RowMissing(Exception):
    """A file does not have all rows."""


@dataclass(frozen=True)
class Measured:
    """One file: its time, and its memory in addition to that of a worker that has finished its imports."""

    seconds: float
    rows: int
    grown_mib: float = 0


@dataclass(frozen=True)
class FileJob:
    """A job in the database of its name: what it is called, and the bounds of its speed and memory."""

    database: str
    title: str
    find_kind: Callable[[], Kind]
    parameters: Callable[[str], dict[str, Any]]
    copy: Copy
    at_least: Mapping[str, float]
    """The share of the speed of the baseline that each format of the file must reach."""
    most_mib: float


def compare(job: FileJob, databases: Databases, *, rows: int, rounds: int, say: Say) -> list[Check]:
    """Measure the COPY and the job with each format in turn."""
    found = {name: Timings() for name in ("COPY", *job.at_least)}
    grown = dict.fromkeys(job.at_least, 0.0)
    for done in range(1, rounds + 1):
        say(f"  round {done} of {rounds}: {', '.join(found)}")
        with databases.superuser(job.database) as connection:
            measured = {"COPY": _copy_to_nowhere(connection, job.copy)}
        measured |= {name: _run_alone(databases.url(job.database), job, name) for name in job.at_least}
        for name, each in measured.items():
            if each.rows != rows:
                raise RowMissing(f"The {job.title} by {name} has {each.rows} of {rows} rows.")
            found[name].rounds.append(each.seconds)
        grown = {name: max(grown[name], measured[name].grown_mib) for name in job.at_least}
        say(f"  {latest(found)}")
    return _checks(job, found, grown, rows)


def _copy_to_nowhere(connection: Connection, copy: Copy) -> Measured:
    begun = time.perf_counter()
    copied = connection.execute(copy).rowcount
    return Measured(time.perf_counter() - begun, copied)


def _run_alone(url: str, job: FileJob, file_format: str) -> Measured:
    """Run the job in its own process. Its storage counts the parts and discards them."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_run, (url, job.find_kind, job.parameters(file_format)))


def _run(url: str, find_kind: Callable[[], Kind], parameters: dict[str, Any]) -> Measured:
    from segmentation.jobs.leases import Lease
    from segmentation.reports import storage

    stored: list[int] = []
    storage.begin_upload = lambda _: "upload"
    storage.upload_part = lambda *part: str(stored.append(len(part[-1])))
    storage.abort_uploads = lambda *_, **__: None
    storage.complete_upload = lambda *_: None
    kind = find_kind()
    lease = Lease(uuid4(), uuid4(), kind.name, parameters, "analyst", {}, 1, None)
    with connect(url) as connection:
        connection.execute("select 1")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.perf_counter()
        *_, last = kind.run(connection, lease)
        seconds = time.perf_counter() - begun
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return Measured(seconds, last.done, grown)


def _checks(job: FileJob, found: dict[str, Timings], grown: dict[str, float], rows: int) -> list[Check]:
    checks = []
    for file_format, at_least in job.at_least.items():
        name = f"{job.title}, {rows:,} rows, {file_format}"
        checks += [
            speed(name, "the server's COPY to /dev/null", found[file_format], found["COPY"], at_least),
            figure(f"{name}, memory above import", grown[file_format], "MiB", job.most_mib),
        ]
    return checks
