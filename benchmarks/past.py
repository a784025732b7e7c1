"""Read a user's segments at past instants, and explain a membership; compare with SELECT 1 and one user's month."""

from datetime import UTC, datetime, timedelta

from psycopg import Connection

from benchmarks import month_of_user
from benchmarks.databases import Databases
from benchmarks.month_of_user import MONTH, ROWS, ROWS_A_USER, STRIDE
from benchmarks.results import Curve, Section, Timings, cost
from benchmarks.timing import Say, Variant, side_by_side
from segmentation.database.connection import connect
from segmentation.domain import as_of, evidence
from segmentation.reports import user_report

OPERATIONS = 10_000
SEGMENTS = 20
CALLS = 500
NAME = "past"
END = datetime(2025, 1, 1, tzinfo=UTC)
MIDDLE = datetime(2024, 7, 15, tzinfo=UTC)
AGES = {"a day": 1, "30 days": 30, "half a year": 183, "a year": 365}
"""How long before the last operation the instants lie."""

BUSY_USER = """
    insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
    select %(user)s::bigint, 1 + number %% %(segments)s, 'SEGMENT_' || (1 + number %% %(segments)s),
           1 + number / %(segments)s %% 2, 'manual', 'analyst@example.com',
           '2024-01-01 00:00Z'::timestamptz + number * interval '366 days' / %(operations)s
      from generate_series(0, %(operations)s::integer - 1) number
    """


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure the reads in turn."""
    rows = int(ROWS * scale)
    busy = rows // ROWS_A_USER + 1
    say(f"  writing {rows:,} rows")
    with databases.filled(NAME) as connection:
        month_of_user.fill(connection, rows)
        _fill(connection, busy)
    found = _measure(databases, busy, rounds, say)
    databases.drop(NAME)
    nothing = found["select 1"]
    allowed = Timings([3 * seconds + 0.001 for seconds in nothing.rounds])
    return Section(
        "The past",
        [
            f"A user with {OPERATIONS:,} operations in a year, in {SEGMENTS} segments, among {rows:,} rows. The",
            "answer is made from the operations since the instant or from those before it, whichever are fewer. The",
            f"explanations are of users with {ROWS_A_USER} operations.",
        ],
        [
            *(
                cost(
                    f"segments of a user with {OPERATIONS:,} operations, {age} ago",
                    "SELECT 1 three times, and 1 ms",
                    found[age],
                    allowed,
                    1 if days <= 30 else None,
                )
                for age, days in AGES.items()
            ),
            cost("explain a membership", "one user's month", found["explain"], found["month"], 2),
        ],
        [
            Curve(
                "segments at an instant",
                "operations since",
                {OPERATIONS * days // 366: found[age].seconds for age, days in AGES.items()},
                "for information",
            )
        ],
    )


def _fill(connection: Connection, busy: int) -> None:
    connection.execute("insert into users (user_id, created_at) values (%s, '2024-01-01Z')", (busy,))
    connection.execute(BUSY_USER, {"user": busy, "segments": SEGMENTS, "operations": OPERATIONS})
    connection.execute(
        """
        insert into segments (slug, created_at, updated_at)
        select 'SEGMENT_' || generate_series(1, %s::integer), '2023-01-01Z', '2023-01-01Z'
        """,
        (SEGMENTS,),
    )
    connection.execute(
        """
        insert into segment_changes (segment_id, changed_at, change, after)
        select segments.segment_id, segments.created_at, 'created', jsonb_build_object('slug', segments.slug)
          from segments
        """
    )


def _measure(databases: Databases, busy: int, rounds: int, say: Say) -> dict[str, Timings]:
    with connect(databases.url(NAME)) as connection:
        cursor, month = connection.cursor(), user_report.rows_statement(MONTH)

        def user(number: int) -> int:
            return 1 + number * STRIDE % (busy - 1)

        def at(days: int) -> Variant:
            return lambda _: as_of.list_for_user(connection, busy, END - timedelta(days=days))

        return side_by_side(
            {
                "select 1": lambda _: cursor.execute("select 1").fetchall(),
                "month": lambda number: cursor.execute(month, (user(number),)).fetchall(),
                "explain": lambda number: evidence.explain(connection, user(number), "SEGMENT_1", MIDDLE),
                **{age: at(days) for age, days in AGES.items()},
            },
            rounds=rounds,
            calls=CALLS,
            say=say,
        )
