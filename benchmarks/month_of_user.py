"""Read one user's month out of a long history: SELECT 1 beside it, and the plan that answers it."""

import statistics
import time
from collections.abc import Callable

from psycopg import Connection

from benchmarks.databases import Databases
from segmentation import database, reports
from segmentation.months import Month

ROWS = 50_000_000
USERS = 1_000_000
MONTHS = 12
READS = 2_000


def fill(connection: Connection, rows: int, say: Callable[[str], None]) -> None:
    """Write a year of history, month by month."""
    connection.execute("select create_history_partitions('2024-01-01', 12)")
    for month in range(1, MONTHS + 1):
        connection.execute(
            """
            insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
            select 1 + number %% %s::bigint, 1, 'AVITO_DISCOUNT_30', 1 + number %% 2, 'manual', 'analyst@example.com',
                   make_timestamptz(2024, %s, 1, 0, 0, 0, 'UTC')
                   + make_interval(secs => 2400000.0 * number / %s::bigint)
              from generate_series(0, %s::bigint - 1) number
            """,
            (USERS, month, rows // MONTHS, rows // MONTHS),
        )
        say(f"month of a user: {month} of {MONTHS} months written")


def run(databases: Databases, *, scale: float, rounds: int, say: Callable[[str], None]) -> str:
    """Measure both reads in turn, and return a section of docs/benchmarks.md with the plan."""
    rows = int(ROWS * scale)
    with databases.filled("month_of_user") as connection:
        fill(connection, rows, say)
    with database.connect(databases.url("month_of_user")) as connection:
        floor, month = [], []
        for _ in range(rounds):
            floor.append(_median_us(lambda _: connection.execute("select 1").fetchall()))
            month.append(_median_us(lambda user: reports.rows_of_user(connection, user, Month(2024, 7))))
        plan = "\n".join(line for (line,) in _plan(connection))
    databases.drop("month_of_user")
    return _section(rows, statistics.median(floor), statistics.median(month), plan)


def _median_us(read: Callable[[int], object]) -> float:
    """Return the median of many reads, each of another user, in microseconds."""
    taken = []
    for number in range(READS):
        begun = time.perf_counter()
        read(1 + number * 7919 % USERS)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1e6


def _plan(connection: Connection) -> list[tuple[str]]:
    return connection.execute(
        f"explain (costs off, analyze, timing off, summary off) {reports.ROWS_OF_USER}",
        (4711, Month(2024, 7).begins_at, Month(2024, 7).ends_at),
    ).fetchall()


def _section(rows: int, floor: float, month: float, plan: str) -> str:
    return "\n".join(
        [
            f"## One user's month out of {rows:,} rows",
            "",
            f"`SELECT 1`: {floor:.0f} us. A user's month, another user's every time: {month:.0f} us,",
            f"{month / floor:.1f} times that. The plan reads one index of one month:",
            "",
            *(f"    {line}" for line in plan.splitlines()),
            "",
        ]
    )
