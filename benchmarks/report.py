"""Report on a month of five million rows; compare with the server's own COPY to /dev/null."""

import multiprocessing
import resource
import time
from dataclasses import dataclass
from uuid import uuid4

from psycopg import Connection, sql

from benchmarks.databases import Databases
from benchmarks.results import Check, Section, Timings, figure, speed
from benchmarks.timing import Say, latest
from segmentation.database.connection import connect

ROWS = 5_000_000
FORMATS = {"csv": 0.7, "csv.gz": 0.4}
"""Each with its target: the share of the speed of the baseline."""


class RowMissing(Exception):
    """A report does not have all rows of the month."""


@dataclass(frozen=True)
class Measured:
    """One report: its time, and its memory in addition to that of a worker that has finished its imports."""

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
    """Run the job in its own process. Its storage counts the parts and discards them."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_run_report, (url, file_format))


def _run_report(url: str, file_format: str) -> Measured:
    from segmentation.jobs.leases import Lease
    from segmentation.reports import month_report, storage

    stored: list[int] = []
    storage.begin_upload = lambda _: "upload"
    storage.upload_part = lambda *part: str(stored.append(len(part[-1])))
    storage.abort_uploads = lambda *_, **__: None
    storage.complete_upload = lambda *_: None
    parameters = {"year": 2024, "month": 5, "format": file_format}
    lease = Lease(uuid4(), uuid4(), month_report.KIND.name, parameters, "analyst", {}, 1)
    with connect(url) as connection:
        connection.execute("select 1")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.perf_counter()
        *_, last = month_report.run(connection, lease)
        seconds = time.perf_counter() - begun
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return Measured(seconds, last.done, grown)


def copy_to_nowhere(connection: Connection) -> Measured:
    """Make the server write the same rows in the same order to /dev/null. Only the superuser may do this."""
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


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure the variants in turn."""
    rows = int(ROWS * scale)
    say(f"  writing {rows:,} rows")
    with databases.filled("report") as connection:
        fill(connection, rows)
    found = {"COPY": Timings(), "csv": Timings(), "csv.gz": Timings()}
    grown = dict.fromkeys(FORMATS, 0.0)
    for done in range(1, rounds + 1):
        say(f"  round {done} of {rounds}: {', '.join(found)}")
        with databases.superuser("report") as connection:
            measured = {"COPY": copy_to_nowhere(connection)}
        measured |= {file_format: ours(databases.url("report"), file_format) for file_format in FORMATS}
        for name, each in measured.items():
            if each.rows != rows:
                raise RowMissing(f"The report by {name} has {each.rows} of {rows} rows.")
            found[name].rounds.append(each.seconds)
        grown = {name: max(grown[name], measured[name].grown_mib) for name in FORMATS}
        say(f"  {latest(found)}")
    databases.drop("report")
    return Section(
        "Month report",
        ["Written to the parts of an upload. The memory is in addition to that of a worker with finished imports."],
        _checks(found, grown, rows),
    )


def _checks(found: dict[str, Timings], grown: dict[str, float], rows: int) -> list[Check]:
    checks = []
    for file_format, at_least in FORMATS.items():
        job = f"month report, {rows:,} rows, {file_format}"
        checks += [
            speed(job, "the server's COPY to /dev/null", found[file_format], found["COPY"], at_least),
            figure(f"{job}, memory above import", grown[file_format], "MiB", 48),
        ]
    return checks
