"""Import a file of a million users; compare with bare COPY and INSERT statements for the same file."""

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from psycopg import Connection

from benchmarks.databases import Databases
from benchmarks.file_jobs import Measured, RowMissing
from benchmarks.results import Curve, Section, Timings, cost, figure
from benchmarks.timing import Say, latest
from segmentation.database.connection import connect

NAME = "imports"
LINES = 1_000_000
GROWTH = (100_000, 1_000_000, 3_000_000)
MOST_MIB = 64
SEGMENTS = 1000
READ_BYTES = 1024**2
STRIDE = 104_729
"""A prime that divides no size, so that its multiples meet each id once."""

LOAD = "create unlogged table floor_lines (user_id bigint)"
USERS = "insert into users (user_id) select floor_lines.user_id from floor_lines order by floor_lines.user_id"
MEMBERSHIPS = """
    insert into memberships (user_id, segment_id, added_at)
    select floor_lines.user_id, %s::integer, now() from floor_lines order by floor_lines.user_id
    """


@dataclass
class Files:
    """Makes the files. Each has the ids of a range in a scattered order.

    An id after another needs no list, so this process stays small. A new process begins with its memory.
    """

    folder: Path

    def of(self, first: int, lines: int) -> Path:
        """Write a file and return its path."""
        path = self.folder / "users.csv"
        with path.open("w") as file:
            file.writelines(f"{first + number * STRIDE % lines}\n" for number in range(lines))
        return path


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure the floor and the import in turn, with users who are known and users who are not."""
    lines = int(LINES * scale)
    with databases.filled(NAME) as connection:
        connection.execute("insert into users (user_id) select generate_series(1, %s::bigint)", (lines,))
        connection.execute("insert into segments (slug) select 'SEGMENT_' || generate_series(1, %s)", (SEGMENTS,))
    with TemporaryDirectory() as folder:
        files, segments = Files(Path(folder)), count(1)
        found, grown = _compare(databases, files, segments, lines, rounds, say)
        curve = _growth(databases, files, segments, [int(size * scale) for size in GROWTH], say)
    databases.drop(NAME)
    floor = "COPY, INSERT … SELECT"
    return Section(
        "Imports",
        [
            "The floor copies the file into an unlogged table and inserts from there, in one transaction. The triggers",
            "write the history of both. The ids of the file are in a scattered order. The import also writes the file",
            "with the verdicts. Its memory is in addition to that of a worker with finished imports.",
        ],
        [
            cost(f"import {lines:,} known users", floor, found["known"], found["known, floor"], 1.6),
            cost(f"import {lines:,} unknown users", f"{floor}, also of users", found["new"], found["new, floor"], 2),
            figure(f"import of {lines:,} users, memory above import", grown, "MiB", MOST_MIB),
        ],
        curves=[curve],
    )


def _compare(
    databases: Databases, files: Files, segments: Iterator[int], lines: int, rounds: int, say: Say
) -> tuple[dict[str, Timings], float]:
    found = {name: Timings() for name in ("known, floor", "known", "new, floor", "new")}
    grown, unknown = 0.0, count(lines + 1, lines)
    for done in range(1, rounds + 1):
        say(f"  round {done} of {rounds}: {', '.join(found)}")
        for name in found:
            is_known = name.startswith("known")
            path = files.of(1 if is_known else next(unknown), lines)
            if name.endswith("floor"):
                found[name].rounds.append(_floor(databases, path, next(segments), with_users=not is_known))
            else:
                measured = _import_alone(databases, path, next(segments), lines)
                found[name].rounds.append(measured.seconds)
                grown = max(grown, measured.grown_mib)
        say(f"  {latest(found)}")
    return found, grown


def _growth(databases: Databases, files: Files, segments: Iterator[int], sizes: list[int], say: Say) -> Curve:
    """Import files of several sizes. The users are known after the first import, which does not count."""
    _import_alone(databases, files.of(1, sizes[-1]), next(segments), sizes[-1])
    taken = {}
    for size in sizes:
        say(f"  import of {size:,} lines")
        taken[size] = _import_alone(databases, files.of(1, size), next(segments), size).seconds
    return Curve("import of known users", "lines", taken, "linear")


def _floor(databases: Databases, path: Path, segment_id: int, *, with_users: bool) -> float:
    with databases.superuser(NAME) as connection:
        begun = time.perf_counter()
        with connection.transaction():
            connection.execute(LOAD)
            _copy(connection, path)
            if with_users:
                connection.execute(USERS)
            connection.execute(MEMBERSHIPS, (segment_id,))
            connection.execute("drop table floor_lines")
        return time.perf_counter() - begun


def _copy(connection: Connection, path: Path) -> None:
    with connection.cursor() as cursor, cursor.copy("copy floor_lines from stdin") as copy, path.open("rb") as file:
        while text := file.read(READ_BYTES):
            copy.write(text)


def _import_alone(databases: Databases, path: Path, segment_id: int, lines: int) -> Measured:
    """Import a file in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        measured = pool.apply(_import, (databases.url(NAME), path, f"SEGMENT_{segment_id}"))
    if measured.rows != lines:
        raise RowMissing(f"The import has added {measured.rows} of {lines} users.")
    return measured


def _import(url: str, path: Path, slug: str) -> Measured:
    """Order an import and do its job. Its storage reads the file, and counts the parts and discards them."""
    from segmentation.jobs import leases
    from segmentation.reports.imports import job

    _replace_storage(path)
    with connect(url) as connection:
        lease = leases.claim(connection, _order(connection, slug))
        if lease is None:
            raise RowMissing("The job of the import cannot be claimed.")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.perf_counter()
        steps = job.KIND.run(connection, lease)
        added = 0
        for step in steps:
            leases.save(connection, lease, step)
            added = step.progress["added"]
        seconds = time.perf_counter() - begun
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return Measured(seconds, added, grown)


def _order(connection: Connection, slug: str) -> UUID:
    from segmentation.access.permissions import Caller
    from segmentation.contract.requests import NewImport
    from segmentation.reports.imports import orders

    made = orders.create(connection, NewImport(slug=slug, mode="add"), actor="analyst")
    caller = Caller("analyst", "editor", 4102444800)
    return orders.start(connection, made.import_id, caller=caller).job_id


def _replace_storage(path: Path) -> None:
    from datetime import UTC, datetime

    from segmentation.jobs import queue
    from segmentation.reports import bucket, storage
    from segmentation.reports.imports import upload

    def next_range(reader: upload.UploadReader) -> bytes:
        with path.open("rb") as file:
            file.seek(reader._offset)
            content = file.read(upload.RANGE_BYTES)
        reader._offset += len(content)
        return content

    discard: Callable[..., None] = lambda *_, **__: None  # noqa: E731 -- a name for three replacements
    upload.link = lambda _: bucket.Link("", datetime.now(UTC))
    upload.find = lambda _: upload.Upload(str(path), path.stat().st_size, "tag")
    upload.UploadReader._next_range = next_range  # type: ignore[method-assign]
    storage.begin_upload = lambda _: "upload"
    storage.upload_part = lambda *part: str(len(part[-1]))
    storage.abort_uploads = storage.complete_upload = queue.request_worker = discard
