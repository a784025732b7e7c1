"""Add ten thousand users to a segment in one request: users who are known, and users who are not."""

from collections.abc import Callable

from psycopg import Connection

from benchmarks import handlers
from benchmarks.databases import Databases
from benchmarks.results import Section, cost
from benchmarks.timing import Say, side_by_side
from segmentation.database.connection import connect

NAME = "many_users"
MANY = 10_000
KNOWN = 1_000_000
SEGMENTS = 1000
CALLS = 3

FILL = """
    insert into users (user_id) select number from generate_series(1, %s::bigint) number
    """
USERS = """
    insert into users (user_id) select named.user_id from unnest(%s::bigint[]) named (user_id)
        on conflict do nothing
    """
MEMBERSHIPS = """
    insert into memberships (user_id, segment_id, added_at)
    select named.user_id, %s::integer, now() from unnest(%s::bigint[]) named (user_id)
        on conflict do nothing
    """


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure each variant in turn. Every call has a segment of its own."""
    known = max(int(KNOWN * scale), 2 * MANY)
    with databases.filled(NAME) as connection:
        connection.execute(FILL, (known,))
        connection.execute("insert into segments (slug) select 'SEGMENT_' || generate_series(1, %s)", (SEGMENTS,))
    url = databases.url(NAME)
    request = handlers.caller("change_segment_users", "/segment/{}/users")

    def known_users(number: int) -> list[int]:
        first = number * MANY % (known - MANY)
        return [*range(first + 1, first + MANY + 1)]

    def unknown_users(number: int) -> list[int]:
        return [user_id + known * (number + 1) for user_id in known_users(0)]

    with handlers.serving(url), connect(url) as connection:
        statements = _statements(connection)
        found = side_by_side(
            {
                "known": lambda number: request(f"SEGMENT_{number}", {"add_users": known_users(number)}),
                "known, bare": lambda number: statements(number, known_users(number)),
                "unknown": lambda number: request(f"SEGMENT_{number}", {"add_users": unknown_users(number)}),
                "unknown, bare": lambda number: statements(number, unknown_users(number)),
            },
            rounds=rounds,
            calls=CALLS,
            say=say,
        )
    databases.drop(NAME)
    return Section(
        "Many users of one segment",
        ["The bare statements insert the same users and memberships. The triggers write the history of both."],
        [
            cost(f"add {MANY:,} {users} users", "the bare statements", found[users], found[f"{users}, bare"], 1.5)
            for users in ("known", "unknown")
        ],
    )


def _statements(connection: Connection) -> Callable[[int, list[int]], None]:
    def insert(segment_id: int, users: list[int]) -> None:
        with connection.transaction():
            connection.execute(USERS, (users,))
            connection.execute(MEMBERSHIPS, (segment_id, users))

    return insert
