"""Sweep a million due memberships; compare with the same batches in bare SQL and with one unbounded DELETE."""

import resource
import statistics
import time
from collections.abc import Callable

from psycopg import Connection

from benchmarks.databases import Databases
from benchmarks.results import Curve, Section, Timings, figure, speed
from benchmarks.timing import Say, latest, seconds
from segmentation.domain import expiry

MEMBERSHIPS = 1_000_000


def fill(connection: Connection, memberships: int) -> None:
    """Put every user into one segment, with lifetimes that ended during the last day."""
    connection.execute("insert into segments (slug) values ('AVITO_DISCOUNT_30')")
    connection.execute("insert into users (user_id) select generate_series(1, %s::bigint)", (memberships,))
    connection.execute(
        """
        insert into memberships (user_id, segment_id, added_at, expires_at)
        select number, 1, now() - interval '2 days', now() - make_interval(secs => 86400.0 * number / %s::bigint)
          from generate_series(1, %s::bigint) number
         order by hashint8(number)
        """,
        (memberships, memberships),
    )


def ours(connection: Connection) -> list[float]:
    """Sweep as the schedule does. A batch begins at each call of go_on."""
    begun: list[float] = []

    def go_on() -> bool:
        begun.append(time.perf_counter())
        return True

    expiry.sweep(connection, go_on=go_on)
    ended = [*begun[1:], time.perf_counter()]
    return [end - begin for begin, end in zip(begun, ended, strict=True)]


def bare_batches(connection: Connection) -> list[float]:
    """Delete the same batches with one statement each."""
    transactions = []
    removed = -1
    while removed:
        begun = time.perf_counter()
        removed = connection.execute(
            """
            delete from memberships
             where memberships.ctid = any (array(
                   select due.ctid from memberships due where due.expires_at <= now()
                    order by due.expires_at limit 10000 for update skip locked))
            """
        ).rowcount
        transactions.append(time.perf_counter() - begun)
    return transactions


def one_delete(connection: Connection) -> list[float]:
    """Delete all due memberships in one statement."""
    connection.execute("set statement_timeout = 0")
    return [seconds(lambda: connection.execute("delete from memberships where memberships.expires_at <= now()"))]


VARIANTS: dict[str, Callable[[Connection], list[float]]] = {
    "ours": ours,
    "batches": bare_batches,
    "one DELETE": one_delete,
}


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure the variants in turn, and the service also at a tenth of the size."""
    memberships = int(MEMBERSHIPS * scale)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = _measure(databases, memberships, VARIANTS, rounds, say)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    tenth = _measure(databases, memberships // 10, {"ours": ours}, rounds, say)
    job = f"sweep {memberships:,} due memberships"
    transactions = sorted(found["ours"].calls)
    p50, most = statistics.median(transactions), transactions[-1]
    each = {
        size: timings.seconds / size
        for size, timings in ((memberships // 10, tenth["ours"]), (memberships, found["ours"]))
    }
    return Section(
        "Sweep",
        [f"With the history. The memory of the sweeping process grew by {grown:.0f} MiB over all rounds."],
        [
            speed(job, "one unbounded DELETE", found["ours"], found["one DELETE"], 0.4),
            speed(job, "the same batches in bare SQL", found["ours"], found["batches"], 0.8),
            figure("a transaction of the sweep, median", p50 * 1000, "ms", 250),
            figure("a transaction of the sweep, longest", most * 1000, "ms", 1000),
        ],
        [Curve("sweep, per row", "due rows", each, "linear: ≤ 1.3")],
    )


def _measure(
    databases: Databases,
    memberships: int,
    variants: dict[str, Callable[[Connection], list[float]]],
    rounds: int,
    say: Say,
) -> dict[str, Timings]:
    say(f"  writing {memberships:,} memberships")
    with databases.filled("sweep") as connection:
        fill(connection, memberships)
    found = {name: Timings() for name in variants}
    for done in range(1, rounds + 1):
        for name, variant in variants.items():
            say(f"  round {done} of {rounds}: {name}")
            with databases.copy("sweep") as connection:
                transactions = variant(connection)
            found[name].rounds.append(sum(transactions))
            found[name].calls.extend(transactions)
        say(f"  {latest(found)}")
    databases.drop("sweep")
    return found
