"""Read users' segments with no reader and with one, on the same machine; compare the speed and the writer's load."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import handlers, population
from benchmarks.databases import PASSWORD, Databases
from benchmarks.results import Section, Timings, cost
from benchmarks.timing import Say, once_each, seconds
from local import ports, postgres, standby
from local.postgres import Server
from segmentation.database import readers

READS = 5_000
STRIDE = 7_919
"""Coprime to the number of users, so that each call reads another user."""

TICKS = os.sysconf("SC_CLK_TCK")


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Measure both variants in turn, on a primary and a standby of this benchmark."""
    users, load = population.users(scale), {"none": Timings(), "one": Timings()}
    with _pair(scale, say) as (pair, url, reader), handlers.serving(url):
        read = handlers.caller("list_memberships", "/segment/user/{}")

        def some_reads() -> None:
            for number in range(READS):
                read(1 + number * STRIDE % users)

        def variant(name: str, host: str) -> Callable[[], float]:
            return lambda: _seconds_a_read(some_reads, host, pair.server, load[name])

        address = f"{ports.HOST}:{reader.port}"
        found = once_each({"none": variant("none", ""), "one": variant("one", address)}, rounds=rounds, say=say)
    return Section(
        "Readers",
        [
            f"A warm handler reads {READS:,} users' segments. The client, the writer and the reader share the cores, "
            "so a client gets no more reads a second. The writer's processor time is what a reader saves."
        ],
        [
            cost("read a user's segments, with a reader", "without one", found["one"], found["none"], 1.2),
            cost("the writer's processor time a read, with a reader", "without one", load["one"], load["none"], 0.1),
        ],
    )


@contextmanager
def _pair(scale: float, say: Say) -> Iterator[tuple[Databases, str, Server]]:
    """Run a primary with the population and a standby of it. Yield the databases, a connection string, the standby."""
    with postgres.throw_away_directory() as folder:
        pair = Databases(postgres.start(folder / "primary", PASSWORD, settings=standby.PRIMARY_SETTINGS))
        try:
            pair.create_owner()
            url = pair.url(population.shared(pair, scale, say))
            reader = standby.start(pair.server, folder / "standby")
            try:
                yield pair, url, reader
            finally:
                reader.stop()
        finally:
            pair.server.stop()


def _seconds_a_read(reads: Callable[[], None], host: str, writer: Server, load: Timings) -> float:
    """Return the seconds of one read with a reader at a host, or without one. Note the writer's processor time."""
    os.environ["DATABASE_READ_HOST"] = host
    try:
        before = _processor_seconds(writer)
        taken = seconds(reads)
        load.rounds.append((_processor_seconds(writer) - before) / READS)
    finally:
        readers.close()
        del os.environ["DATABASE_READ_HOST"]
    return taken / READS


def _processor_seconds(server: Server) -> float:
    """Return the processor time of a server's processes, of those that have ended too."""
    postmaster = int(postgres.read_lock(server.data)[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text("ascii").split()
    ticks = sum(_ticks(postmaster)) + sum(sum(_ticks(int(child))[:2]) for child in children)
    return ticks / TICKS


def _ticks(process: int) -> list[int]:
    """Return the ticks of a process: user, system, and those of the children that have ended."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return [int(field) for field in fields[11:15]]
