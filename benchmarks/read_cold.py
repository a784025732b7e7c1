"""Read one user's segments with a cold cache: from the index alone, and from index and table."""

import statistics
import time

from benchmarks import population
from benchmarks.databases import Databases
from benchmarks.results import Section, Timings, cost
from benchmarks.timing import Say, latest
from segmentation.database.connection import connect
from segmentation.domain.memberships import SEGMENTS_OF_USER

READS = 150
STRIDE = 104_729
"""Far apart, so that no read uses the pages of another."""

WARM_UP = "select count(segments.slug) from segments"


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure both plans, each directly after a restart."""
    name = population.shared(databases, scale, say)
    found = {"index alone": Timings(), "index and table": Timings()}
    for done in range(1, rounds + 1):
        for plan, timings in found.items():
            say(f"  round {done} of {rounds}: restarting Postgres, reading by {plan}")
            databases.cool_down()
            taken = _reads(databases.url(name), population.users(scale), index_only=plan == "index alone")
            timings.rounds.append(statistics.median(taken))
            timings.calls.extend(taken)
        say(f"  {latest(found)}")
    return Section(
        "Read one user's segments, cold",
        [
            "Before each round the server is restarted, and its files are dropped from the page cache. The thousand",
            "segments and the catalog are read once before, because any earlier request would have read them.",
        ],
        [
            cost(
                "read a user's segments, cold cache",
                "index and table",
                found["index alone"],
                found["index and table"],
                0.4,
            )
        ],
    )


def _reads(url: str, users: int, *, index_only: bool) -> list[float]:
    taken = []
    with connect(url) as connection:
        connection.execute(f"set enable_indexonlyscan = {'on' if index_only else 'off'}")
        connection.execute("set enable_bitmapscan = off")
        connection.execute(WARM_UP)
        cursor = connection.cursor()
        for _ in range(6):  # until Postgres keeps the plan
            cursor.execute(SEGMENTS_OF_USER, (users,))
        for number in range(READS):
            begun = time.perf_counter()
            cursor.execute(SEGMENTS_OF_USER, (1 + number * STRIDE % users,)).fetchall()
            taken.append(time.perf_counter() - begun)
    return taken
