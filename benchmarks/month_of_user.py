"""Read one user's month from a long history; compare with SELECT 1, and show the query plan."""

from psycopg import Connection

from benchmarks.databases import Databases
from benchmarks.results import Curve, Section, Timings, cost
from benchmarks.timing import Say, side_by_side
from segmentation.database.connection import connect
from segmentation.reports import user_report
from segmentation.reports.months import Month

ROWS = 5_000_000
"""SCALE=10 makes fifty million, a busy year."""

ROWS_A_USER = 48
"""In the year; four in each month."""

MONTHS = 12
MONTH = Month(2024, 7)
CALLS = 2_000
STRIDE = 7_919
NAME = "month_of_user"

NAIVE = """
    select history.user_id, history.slug, history.executed_at
      from history
     where history.user_id = %s::bigint
       and date_part('year', history.executed_at) = %s and date_part('month', history.executed_at) = %s
     order by history.executed_at
    """


def fill(connection: Connection, rows: int) -> None:
    """Write a year of history, month by month."""
    connection.execute("select create_history_partitions('2024-01-01', 12)")
    for month in range(1, MONTHS + 1):
        connection.execute(
            """
            insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
            select 1 + number %% %s::bigint, 1, 'AVITO_DISCOUNT_30', 1 + number %% 2, 'manual',
                   'analyst@example.com', make_timestamptz(2024, %s, 1, 0, 0, 0, 'UTC')
                   + make_interval(secs => 2400000.0 * number / %s::bigint)
              from generate_series(0, %s::bigint - 1) number
            """,
            (max(rows // ROWS_A_USER, 1), month, rows // MONTHS, rows // MONTHS),
        )


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure the reads in turn, in the whole history and in a tenth of it."""
    rows = int(ROWS * scale)
    tenth, _ = _measure(databases, rows // 10, rounds, say)
    found, plan = _measure(databases, rows, rounds, say)
    sizes = {rows // 10: tenth["ours"].seconds, rows: found["ours"].seconds}
    job = f"one user's month of {rows:,} rows"
    return Section(
        "One user's month",
        [
            "Each call reads another user. `SELECT 1` is the cost of the connection itself. The naive query filters by",
            "`date_part()`, which can use no index and no partition. The plan reads one index of one month:",
            "",
            *(f"    {line}" for line in plan),
        ],
        [
            cost(job, "SELECT 1", found["ours"], found["select 1"], 3),
            cost(f"{job}, with the work in Python", "SELECT 1", found["rows"], found["select 1"], None),
            cost(job, "date_part() filters", found["ours"], found["naive"], None),
        ],
        [Curve("one user's month", "rows of history", sizes, "flat: ≤ 1.3")],
    )


def _measure(databases: Databases, rows: int, rounds: int, say: Say) -> tuple[dict[str, Timings], list[str]]:
    say(f"  writing {rows:,} rows")
    users = rows // ROWS_A_USER
    with databases.filled(NAME) as connection:
        fill(connection, rows)
    with connect(databases.url(NAME)) as connection:
        cursor, statement = connection.cursor(), user_report.rows_statement(MONTH)
        found = side_by_side(
            {
                "select 1": lambda _: cursor.execute("select 1").fetchall(),
                "ours": lambda number: cursor.execute(statement, (_user(number, users),)).fetchall(),
                "rows": lambda number: list(user_report.rows_of_user(connection, _user(number, users), MONTH)),
                "naive": lambda number: cursor.execute(NAIVE, (_user(number, users), 2024, 7)).fetchall(),
            },
            rounds=rounds,
            calls=CALLS,
            say=say,
        )
        plan = [line for (line,) in _plan(connection)]
    databases.drop(NAME)
    return found, plan


def _user(number: int, users: int) -> int:
    return 1 + number * STRIDE % users


def _plan(connection: Connection) -> list[tuple[str]]:
    return connection.execute(
        b"explain (costs off, analyze, timing off, summary off) " + user_report.rows_statement(MONTH), (42,)
    ).fetchall()
