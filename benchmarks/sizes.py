"""Read a year of a segment's sizes; compare with SELECT 1."""

from psycopg import Connection

from benchmarks.databases import Databases
from benchmarks.results import Section, cost
from benchmarks.timing import Say, side_by_side
from segmentation.database.connection import connect
from segmentation.domain import sizes

SEGMENTS = 1_000
DAYS = 366
CALLS = 1_000
NAME = "sizes"


def fill(connection: Connection, segments: int) -> None:
    """Write a year of days for each segment, counted until now."""
    connection.execute(
        """
        insert into segments (slug, created_at)
        select 'SEGMENT_' || generate_series(1, %s), now() - interval '2 years'
        """,
        (segments,),
    )
    connection.execute("update size_progress set counted_from = now() - interval '2 years', counted_until = now()")
    connection.execute(
        """
        insert into segment_days (segment_id, day, members, added, removed)
        select segments.segment_id, (now() at time zone 'UTC')::date - ago, 100000 - ago * 100, 500, 400
          from generate_series(0, %s::integer - 1) ago
         cross join segments
        """,
        (DAYS,),
    )


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure the statement, and the call that makes the answer of it."""
    segments = max(int(SEGMENTS * scale), 10)
    with databases.filled(NAME) as connection:
        fill(connection, segments)
    with connect(databases.url(NAME)) as connection:
        [(since, until)] = connection.execute(
            "select (now() at time zone 'UTC')::date - 365, (now() at time zone 'UTC')::date + 1"
        ).fetchall()
        cursor = connection.cursor()

        def slug(number: int) -> str:
            return f"SEGMENT_{1 + number % segments}"

        found = side_by_side(
            {
                "select 1": lambda _: cursor.execute("select 1").fetchall(),
                "ours": lambda number: cursor.execute(
                    sizes.SIZE_BY_DAY, (slug(number), since, until, sizes.MOST_DAYS)
                ).fetchall(),
                "python": lambda number: sizes.list_days(connection, slug(number), since=since, until=until),
            },
            rounds=rounds,
            calls=CALLS,
            say=say,
        )
    databases.drop(NAME)
    job = "a segment's sizes of a year"
    return Section(
        "A segment's sizes of a year",
        [
            f"{segments:,} segments, each with a change on each of {DAYS} days; each call reads another segment.",
            "Most of the time is the text of each day, which Postgres writes.",
        ],
        [
            cost(job, "SELECT 1", found["ours"], found["select 1"], 2),
            cost(f"{job}, with the call in Python", "SELECT 1", found["python"], found["select 1"], None),
        ],
    )
