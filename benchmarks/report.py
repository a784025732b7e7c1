"""Report on a month of five million rows: ours to the upload's parts, and the server's own COPY to nowhere."""

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from psycopg import Connection, sql

from benchmarks.databases import Databases
from segmentation import database

ROWS = 5_000_000


class RowMissing(Exception):
    """A report does not hold what was written."""


@dataclass(frozen=True)
class Measured:
    """One report: its time, and the memory it took above a worker that has only imported what it needs."""

    seconds: float
    rows: int
    grown_mib: float = 0


def fill(connection: Connection, rows: int) -> None:
    """Write a month of entries and exits of a million users in a hundred segments."""
    connection.execute("select create_history_partitions('2024-05-01', 1)")
    connection.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        select 1 + hashint8(number)::bigint & 1048575, 1 + number %% 100, 'AVITO_DISCOUNT_' || number %% 100,
               1 + number %% 2, 'manual', 'analyst@example.com',
               timestamptz '2024-05-01T00:00:00Z' + make_interval(secs => 2678400.0 * number / %s::bigint)
          from generate_series(0, %s::bigint - 1) number
        """,
        (rows, rows),
    )


def ours(url: str, file_format: str) -> Measured:
    """Run the kind of job in a process of its own, with a store that counts the parts and forgets them."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_run_report, (url, file_format))


def _run_report(url: str, file_format: str) -> Measured:
    from segmentation import month_report, storage
    from segmentation.jobs import Lease

    stored: list[int] = []
    storage.begin_upload = lambda _: "upload"
    storage.upload_part = lambda *part: str(stored.append(len(part[-1])))
    storage.complete_upload = lambda *_: None
    parameters = {"year": 2024, "month": 5, "format": file_format}
    lease = Lease(uuid4(), uuid4(), month_report.KIND.name, parameters, {}, 1)
    with database.connect(url) as connection:
        connection.execute("select 1")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.perf_counter()
        *_, last = month_report.run(connection, lease)
        seconds = time.perf_counter() - begun
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return Measured(seconds, last.done, grown)


def copy_to_nowhere(connection: Connection) -> Measured:
    """Let the server write the same rows in the same order to /dev/null; the superuser alone may."""
    begun = time.perf_counter()
    copied = connection.execute(
        sql.SQL(
            """
            copy (select operations.user_id, operations.slug,
                         case operations.action_id when 1 then 'I' else 'D' end,
                         date_trunc('second', operations.executed_at at time zone 'UTC')
                    from operations
                   where operations.executed_at >= '2024-05-01T00:00:00Z'
                     and operations.executed_at < '2024-06-01T00:00:00Z' and operations.action_id <= 2
                   order by operations.executed_at, operations.history_id)
              to '/dev/null' (format csv)
            """
        )
    ).rowcount
    return Measured(time.perf_counter() - begun, copied)


def run(databases: Databases, *, scale: float, rounds: int, say: Callable[[str], None]) -> str:
    """Measure the ways in turn, round after round, and return a section of docs/benchmarks.md."""
    rows = int(ROWS * scale)
    say(f"report: writing {rows:,} rows")
    with databases.filled("report") as connection:
        fill(connection, rows)
    measured: dict[str, list[Measured]] = {"COPY to /dev/null": [], "ours, csv": [], "ours, csv.gz": []}
    superuser = databases.server.url(database="report")
    for number in range(rounds):
        with database.connect(superuser) as connection:
            measured["COPY to /dev/null"].append(copy_to_nowhere(connection))
        for file_format in ("csv", "csv.gz"):
            measured[f"ours, {file_format}"].append(ours(databases.url("report"), file_format))
        taken = ", ".join(f"{name} {found[-1].seconds:.1f} s" for name, found in measured.items())
        say(f"report, round {number + 1} of {rounds}: {taken}")
    databases.drop("report")
    if any(each.rows != rows for found in measured.values() for each in found):
        raise RowMissing(f"Every report has {rows} rows.")
    return _section(measured, rows)


def _section(measured: dict[str, list[Measured]], rows: int) -> str:
    floor = _median(measured["COPY to /dev/null"])
    lines = [
        f"| {name} | {_median(found):.1f} | {min(each.seconds for each in found):.1f} to "
        f"{max(each.seconds for each in found):.1f} | {floor / _median(found):.2f} | "
        f"{max(each.grown_mib for each in found):.0f} |"
        for name, found in measured.items()
    ]
    return "\n".join(
        [
            f"## Month of {rows:,} rows, to the parts of an upload",
            "",
            "Asked for: at least 0.70 of the rows per second of the server's own COPY of the same query to /dev/null,",
            "0.40 compressed, and at most 48 MiB above the bare import.",
            "",
            "| way | median s | min to max s | speed against COPY | memory above import, MiB |",
            "|---|---|---|---|---|",
            *lines,
            "",
        ]
    )


def _median(found: list[Measured]) -> float:
    return statistics.median(each.seconds for each in found)
