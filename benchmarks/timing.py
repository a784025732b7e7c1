"""Time ways of doing one job side by side: in turns, round after round, so that all of them meet the same noise."""

import statistics
import time
from collections.abc import Callable, Mapping

from benchmarks.results import Timings

Say = Callable[[str], None]
Way = Callable[[int], object]


def seconds(work: Callable[[], object]) -> float:
    """Return how long work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def side_by_side(ways: Mapping[str, Way], *, rounds: int, calls: int, say: Say) -> dict[str, Timings]:
    """Call each way many times a round, with a number that never comes twice; a round's figure is its median."""
    found = {name: Timings() for name in ways}
    number = 0
    for done in range(1, rounds + 1):
        for name, way in ways.items():
            taken = []
            for _ in range(calls):
                number += 1
                begun = time.perf_counter()
                way(number)
                taken.append(time.perf_counter() - begun)
            found[name].rounds.append(statistics.median(taken))
            found[name].calls.extend(taken)
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
