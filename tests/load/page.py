"""Write docs/load.md from the results of a whole run, by route and by phase."""

import os
import platform
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.load.findings import Findings, percentile
from tests.load.scale import CLIENTS

SCENARIOS = 2
READS = ("GET ", "POST /segment/user/batch")
TEXT = Path(__file__).with_name("page.txt")
Section = dict[str, str]


def day(found: Findings, owner: Any) -> Section:
    """Return the day's values for the page. The database is counted at the end of the day."""
    statuses = found.statuses()
    reads = sum(len(samples) for route, samples in found.samples.items() if route.startswith(READS))
    [(people, memberships, operations)] = owner.execute(
        "select (select count(*) from users), (select count(*) from memberships), (select count(*) from history)"
    ).fetchall()
    return {
        "seconds": f"{found.seconds:.0f}",
        "requests": f"{statuses.total():,}",
        "throughput": f"{statuses.total() / found.seconds:.0f}",
        "reads": f"{100 * reads / statuses.total():.0f}",
        "failures": str(sum(count for status, count in statuses.items() if status >= 500)),
        "changes": f"{sum(found.told.added.values()) + sum(found.told.deleted.values()):,}",
        "arrivals": f"{len(found.told.users) + len(found.named):,}",
        "reports": str(found.reports),
        "people": f"{people:,}",
        "memberships": f"{memberships:,}",
        "operations": f"{operations:,}",
        "routes": "\n".join(_route(name, samples) for name, samples in sorted(found.samples.items())),
    }


def overload(phases: Mapping[str, Findings], connections: int) -> Section:
    """Return the overload's values for the page."""
    return {
        "phases": "\n".join(_phase(name, found) for name, found in phases.items()),
        "connections": str(connections),
    }


def write(about: Mapping[str, Section]) -> str:
    """Fill the page's text with the values."""
    return TEXT.read_text("utf-8").format(
        machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        busy=f"{os.getloadavg()[2]:.1f}",
        clients=CLIENTS,
        **{name: value for section in about.values() for name, value in section.items()},
    )


def _route(name: str, samples: list[tuple[int, float]]) -> str:
    times = sorted(took for _, took in samples)
    return f"| `{name}` | {_statuses(Counter(status for status, _ in samples))} | {_times(times)} |"


def _phase(name: str, found: Findings) -> str:
    served, refused = found.times(), found.times(refused=True)
    answers = f"{len(served) / found.seconds:.0f} | {_times(served)}"
    refusals = f"{100 * found.refused():.1f} % | {_times(refused)}"
    return f"| {name} | {len(served) + len(refused):,} | {answers} | {refusals} |"


def _statuses(counts: Counter[int]) -> str:
    return ", ".join(f"{status}: {count:,}" for status, count in sorted(counts.items()))


def _times(times: list[float]) -> str:
    """Return the 50th, 95th and 99th percentile and the longest time, in milliseconds."""
    values = [*(percentile(times, share) for share in (0.5, 0.95, 0.99)), times[-1]] if times else []
    return ", ".join(f"{value:.0f}" for value in values)
