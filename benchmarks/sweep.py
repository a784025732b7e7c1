"""Sweep a million due memberships: ours, the same batches in bare SQL, and one unbounded DELETE."""

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from psycopg import Connection

from benchmarks.databases import Databases
from segmentation import expiry

MEMBERSHIPS = 1_000_000


@dataclass
class Round:
    """One sweep of everything: how long it took, and each of its transactions."""

    seconds: float = 0
    transactions: list[float] = field(default_factory=list)


def fill(connection: Connection, memberships: int) -> None:
    """Put every user into one segment, with lifetimes that ended over the last day."""
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


def ours(connection: Connection) -> Round:
    """Sweep as the schedule does; a batch begins whenever the sweep asks whether to go on."""
    begun: list[float] = []

    def go_on() -> bool:
        begun.append(time.perf_counter())
        return True

    expiry.sweep(connection, go_on=go_on)
    ended = [*begun[1:], time.perf_counter()]
    return Round(ended[-1] - begun[0], [end - begin for begin, end in zip(begun, ended, strict=True)])


def bare_batches(connection: Connection) -> Round:
    """Delete the same batches with one statement each, and nothing around it."""
    measured = Round()
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
        measured.transactions.append(time.perf_counter() - begun)
    measured.seconds = sum(measured.transactions)
    return measured


def one_delete(connection: Connection) -> Round:
    """Delete everything that is due at once, as no service should."""
    connection.execute("set statement_timeout = 0")
    begun = time.perf_counter()
    connection.execute("delete from memberships where memberships.expires_at <= now()")
    seconds = time.perf_counter() - begun
    return Round(seconds, [seconds])


WAYS: dict[str, Callable[[Connection], Round]] = {
    "ours": ours,
    "the same batches in bare SQL": bare_batches,
    "one unbounded DELETE": one_delete,
}


def run(databases: Databases, *, scale: float, rounds: int, say: Callable[[str], None]) -> str:
    """Measure the ways in turn, round after round, and return a section of docs/benchmarks.md."""
    memberships = int(MEMBERSHIPS * scale)
    with databases.filled("sweep") as connection:
        fill(connection, memberships)
    measured: dict[str, list[Round]] = {name: [] for name in WAYS}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(rounds):
        for name, way in WAYS.items():
            with databases.copy("sweep") as connection:
                measured[name].append(way(connection))
            say(f"sweep, round {number + 1} of {rounds}: {name}, {measured[name][-1].seconds:.1f} s")
    databases.drop("sweep")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return _report(measured, memberships, grown)


def _report(measured: dict[str, list[Round]], memberships: int, grown_mib: float) -> str:
    ours_seconds = _median(measured["ours"])
    rows = [
        f"| {name} | {_median(found):.1f} | {min(each.seconds for each in found):.1f} to "
        f"{max(each.seconds for each in found):.1f} | {_median(found) / ours_seconds:.2f} | {_latencies(found)} |"
        for name, found in measured.items()
    ]
    return "\n".join(
        [
            f"## Sweep of {memberships:,} due memberships, with their history",
            "",
            "Speed of ours is the time of the other way divided by ours: at least 0.80 is asked for against the same",
            "batches, and 0.40 against one unbounded DELETE; no transaction may take half a second.",
            "",
            "| way | median s | min to max s | speed of ours | transactions, ms: p50 · p99 · max |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"Memory of the sweeping process grew by {grown_mib:.0f} MiB over all rounds.",
            "",
        ]
    )


def _median(rounds: list[Round]) -> float:
    return statistics.median(each.seconds for each in rounds)


def _latencies(rounds: list[Round]) -> str:
    found = sorted(seconds * 1000 for each in rounds for seconds in each.transactions)
    p99 = found[min(len(found) - 1, int(len(found) * 0.99))]
    return f"{statistics.median(found):.0f} · {p99:.0f} · {found[-1]:.0f}"
