"""The findings of the clients: all responses with their times, the confirmed changes, and unexpected responses.

This module uses the standard library only, because the clients have their own environment.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.bookkeeping import Told

REFUSALS = {429, 503}
COUNTERS = ("added", "deleted", "lifetimes")


@dataclass
class Findings:
    """Responses by route, as status and milliseconds; changes by user; segments by slug."""

    seconds: float = 0
    samples: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    told: Told = field(default_factory=Told)
    named: set[int] = field(default_factory=set)
    taken_out: Counter[str] = field(default_factory=Counter)
    campaigns: set[str] = field(default_factory=set)
    reports: int = 0

    def add(self, route: str, status: int, milliseconds: float) -> None:
        self.samples.setdefault(route, []).append((status, milliseconds))

    def statuses(self) -> Counter[int]:
        return Counter(status for samples in self.samples.values() for status, _ in samples)

    def times(self, *, refused: bool = False) -> list[float]:
        """Return the sorted times of the refusals, or of all other responses."""
        return sorted(
            took for samples in self.samples.values() for status, took in samples if (status in REFUSALS) is refused
        )

    def refused(self) -> float:
        """Return the share of refused requests."""
        statuses = self.statuses()
        return sum(statuses[status] for status in REFUSALS) / statuses.total()

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self, default=lambda value: list(value) if isinstance(value, set) else vars(value)))

    @classmethod
    def read(cls, path: Path) -> "Findings":
        members = json.loads(path.read_text())
        told = members.pop("told")
        by_user = {name: Counter({int(user): count for user, count in told[name].items()}) for name in COUNTERS}
        return cls(
            **members
            | {
                "told": Told(users=told["users"], **by_user),
                "named": {*members["named"]},
                "taken_out": Counter(members["taken_out"]),
                "campaigns": {*members["campaigns"]},
            }
        )


def percentile(ordered: list[float], share: float) -> float:
    """Return the value that this share of a sorted list does not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
