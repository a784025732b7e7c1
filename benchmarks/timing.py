"""Time ways of doing one job side by side: in turns, round after round, so that all of them meet the same noise."""

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count

from benchmarks.results import Timings

Say = Callable[[str], None]
Way = Callable[[int], object]

TURN = 25
"""Calls of a way before the next has its turn."""


def seconds(work: Callable[[], object]) -> float:
    """Return how long work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def side_by_side(ways: Mapping[str, Way], *, rounds: int, calls: int, say: Say, first: int = 1) -> dict[str, Timings]:
    """Call each way many times a round, with a number that never comes twice; a round's figure is its median.

    In short turns, because a machine that others use too is slower in one second than in the next. A round before
    the first does not count: in it, connections plan, and touch for the first time the pages of memory they read.
    """
    found = {name: Timings() for name in ways}
    numbers = count(first)
    for done in range(rounds + 1):
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for before in range(0, calls, TURN):
            for name, way in ways.items():
                turn = min(TURN, calls - before)
                taken[name].extend(seconds(partial(way, next(numbers))) for _ in range(turn))
        if done == 0:
            continue
        for name, timings in found.items():
            timings.rounds.append(statistics.median(taken[name]))
            timings.calls.extend(taken[name])
        say(f"  round {done} of {rounds}: {latest(found)}")
    return found


def once_each(ways: Mapping[str, Callable[[], float]], *, rounds: int, say: Say) -> dict[str, Timings]:
    """Run each way, which returns its own seconds, once a round."""
    found = {name: Timings() for name in ways}
    for done in range(1, rounds + 1):
        for name, way in ways.items():
            found[name].rounds.append(way())
        say(f"  round {done} of {rounds}: {latest(found)}")
    return found


def latest(found: Mapping[str, Timings]) -> str:
    """Return the newest figure of each way, for the progress."""
    return ", ".join(f"{name} {timings.rounds[-1] * 1e3:.4g} ms" for name, timings in found.items())
