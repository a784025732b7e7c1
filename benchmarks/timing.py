"""Time the variants of one job in turns, round after round, so that all variants have the same noise."""

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count

from benchmarks.results import Timings

Say = Callable[[str], None]
Variant = Callable[[int], object]

TURN = 25
"""Calls of a variant before the turn of the next."""


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def side_by_side(
    variants: Mapping[str, Variant], *, rounds: int, calls: int, say: Say, first: int = 1
) -> dict[str, Timings]:
    """Call each variant many times per round, with a number that never repeats. The figure of a round is its median.

    Turns are short, because the speed of a shared machine changes from second to second. A round before the first
    does not count, because new connections plan their statements and touch their memory pages for the first time.
    """
    found = {name: Timings() for name in variants}
    numbers = count(first)
    for done in range(rounds + 1):
        taken: dict[str, list[float]] = {name: [] for name in variants}
        for before in range(0, calls, TURN):
            for name, variant in variants.items():
                turn = min(TURN, calls - before)
                taken[name].extend(seconds(partial(variant, next(numbers))) for _ in range(turn))
        if done == 0:
            continue
        for name, timings in found.items():
            timings.rounds.append(statistics.median(taken[name]))
            timings.calls.extend(taken[name])
        say(f"  round {done} of {rounds}: {latest(found)}")
    return found


def once_each(variants: Mapping[str, Callable[[], float]], *, rounds: int, say: Say) -> dict[str, Timings]:
    """Run each variant once per round. A variant returns its own seconds."""
    found = {name: Timings() for name in variants}
    for done in range(1, rounds + 1):
        for name, variant in variants.items():
            say(f"  round {done} of {rounds}: {name}")
            found[name].rounds.append(variant())
        say(f"  {latest(found)}")
    return found


def latest(found: Mapping[str, Timings]) -> str:
    """Return the newest figure of each variant as a line of progress."""
    return ", ".join(f"{name} {timings.rounds[-1] * 1e3:.4g} ms" for name, timings in found.items())
