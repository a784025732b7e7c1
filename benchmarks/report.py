"""Report on a month of five million rows; compare with the server's own COPY to /dev/null."""

from typing import Any

from psycopg import Connection

from benchmarks.databases import Databases
from benchmarks.file_jobs import FileJob, compare
from benchmarks.results import Section
from benchmarks.timing import Say
from segmentation.jobs.leases import Kind

ROWS = 5_000_000
COPY = """
    copy (select operations.user_id, operations.slug,
                 case operations.action_id when 1 then 'I' else 'D' end,
                 date_trunc('second', operations.executed_at at time zone 'UTC')
            from operations
           where operations.executed_at >= '2024-05-01T00:00:00Z'
             and operations.executed_at < '2024-06-01T00:00:00Z' and operations.action_id <= 2
           order by operations.executed_at, operations.history_id)
      to '/dev/null' (format csv)
    """


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


def find_kind() -> Kind:
    """Import the kind of job in the process that measures its memory."""
    from segmentation.reports import month_report

    return month_report.KIND


def parameters(file_format: str) -> dict[str, Any]:
    """Return the parameters of the job."""
    return {"year": 2024, "month": 5, "format": file_format}


JOB = FileJob("report", "month report", find_kind, parameters, COPY, {"csv": 0.7, "csv.gz": 0.4}, most_mib=48)


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure the variants in turn."""
    rows = int(ROWS * scale)
    say(f"  writing {rows:,} rows")
    with databases.filled(JOB.database) as connection:
        fill(connection, rows)
    checks = compare(JOB, databases, rows=rows, rounds=rounds, say=say)
    databases.drop(JOB.database)
    return Section(
        "Month report",
        ["Written to the parts of an upload. The memory is in addition to that of a worker with finished imports."],
        checks,
    )
