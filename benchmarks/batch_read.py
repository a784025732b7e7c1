"""Read the segments of a thousand users in one request; compare with one SELECT and with a SELECT per user."""

from benchmarks import handlers, population
from benchmarks.databases import Databases
from benchmarks.results import Section, cost, speed
from benchmarks.timing import Say, side_by_side
from segmentation.contract.problems import MAX_ANSWER_BYTES
from segmentation.database.connection import connect
from segmentation.domain.memberships import SEGMENTS_OF_USER, SLUGS_OF_USERS

USERS = 1_000
ONCE = [1] * USERS
CALLS = 20
STRIDE = 7_919


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure the variants in turn."""
    url = databases.url(population.shared(databases, scale, say))
    read = handlers.caller("batch_list_memberships")

    def batch(number: int) -> list[int]:
        users = population.users(scale)
        return [1 + (number * USERS + place) * STRIDE % users for place in range(USERS)]

    with handlers.serving(url), connect(url) as connection:
        cursor = connection.cursor()
        found = side_by_side(
            {
                "ours": lambda number: read(body={"user_ids": batch(number)}),
                "select": lambda number: cursor.execute(
                    SLUGS_OF_USERS, (MAX_ANSWER_BYTES, batch(number), ONCE)
                ).fetchall(),
                "one by one": lambda number: [
                    cursor.execute(SEGMENTS_OF_USER, (user,)).fetchall() for user in batch(number)
                ],
            },
            rounds=rounds,
            calls=CALLS,
            say=say,
        )
    job = "batch read of 1,000 users, warm handler"
    return Section(
        "Batch read",
        [],
        [
            cost(job, "one SELECT", found["ours"], found["select"], 1.5),
            speed(job, "a SELECT per user", found["ours"], found["one by one"], None),
        ],
    )
