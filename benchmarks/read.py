"""Read one user's segments through the warm handler; compare with a SELECT of the rows in psycopg and a plain join."""

from benchmarks import handlers, population
from benchmarks.databases import Databases
from benchmarks.results import Section, cost
from benchmarks.timing import Say, side_by_side
from segmentation.database.connection import connect
from segmentation.domain.memberships import SEGMENTS_OF_USER

CALLS = 1_500
STRIDE = 7_919
"""Coprime to the number of users, so that each call reads another user."""

PLAIN_JOIN = """
    select segments.slug, memberships.added_at, memberships.expires_at
      from memberships
      join segments on segments.segment_id = memberships.segment_id
     where memberships.user_id = %s::bigint
       and (memberships.expires_at is null or memberships.expires_at > now())
       and segments.deleted_at is null
     order by segments.slug
    """


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure the variants in turn."""
    url = databases.url(population.shared(databases, scale, say))
    users = population.users(scale)
    read = handlers.caller("list_memberships", "/segment/user/{}")
    with handlers.serving(url), connect(url) as connection:
        cursor = connection.cursor()
        found = side_by_side(
            {
                "ours": lambda number: read(1 + number * STRIDE % users),
                "select": lambda number: cursor.execute(SEGMENTS_OF_USER, (1 + number * STRIDE % users,)).fetchall(),
                "join": lambda number: cursor.execute(PLAIN_JOIN, (1 + number * STRIDE % users,)).fetchall(),
                "nothing": lambda _: cursor.execute("select 1").fetchall(),
            },
            rounds=rounds,
            calls=CALLS,
            say=say,
        )
    ours = found["ours"]
    return Section(
        "Read one user's segments",
        [
            f"{users:,} users, {users * population.SEGMENTS_A_USER:,} memberships, {population.SEGMENTS:,} segments; "
            "each call reads another user.",
            f"`SELECT 1` takes {found['nothing']} on the same connection. The statement of the function looks up the",
            "ten segments of a user one by one. The plain join, the obvious query, reads all segments.",
            "[Decision 30](decisions/0030-the-body-from-the-database.md) has a profile of what the handler adds.",
        ],
        [
            cost("read a user's segments, warm handler", "the same SELECT", ours, found["select"], 1.35),
            cost("read a user's segments, warm handler", "the plain join", ours, found["join"], 1.5),
        ],
    )
