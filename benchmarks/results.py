"""The results of a benchmark: the service compared with a baseline, its target, and growth with size."""

import statistics
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Timings:
    """Seconds of one variant: one figure per round, and one per call."""

    rounds: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Return the median round."""
        return statistics.median(self.rounds)

    def __str__(self) -> str:
        low, high = text(min(self.rounds)), text(max(self.rounds))
        return f"{text(self.seconds)} ({low} to {high})"

    def percentiles(self) -> str:
        """Return the 50th, 95th and 99th percentile of all calls."""
        calls = sorted(self.calls)
        return " · ".join(text(calls[min(len(calls) - 1, len(calls) * share // 100)]) for share in (50, 95, 99))


@dataclass(frozen=True)
class Target:
    """The bound of a ratio. A ratio without a bound is for comparison."""

    bound: float | None
    at_most: bool = True

    def met(self, ratio: float) -> bool:
        """Return whether a ratio is on the right side of the bound."""
        return self.bound is None or (ratio <= self.bound if self.at_most else ratio >= self.bound)

    def __str__(self) -> str:
        return "" if self.bound is None else f"{'≤' if self.at_most else '≥'} {self.bound:g}"


@dataclass(frozen=True)
class Check:
    """A row of the table."""

    job: str
    baseline_name: str
    ours: str
    baseline: str
    ratios: list[float]
    target: Target
    percentiles: str = ""

    @property
    def ratio(self) -> float:
        """Return the median ratio."""
        return statistics.median(self.ratios)

    @property
    def met(self) -> bool:
        """Return whether the target is met at the median."""
        return self.target.met(self.ratio)


@dataclass(frozen=True)
class Curve:
    """The cost of a job at several sizes."""

    name: str
    size_of: str
    seconds: dict[int, float]
    target: str

    def relative(self) -> dict[int, float]:
        """Return the costs as multiples of the smallest size's."""
        first = next(iter(self.seconds.values()))
        return {size: seconds / first for size, seconds in self.seconds.items()}


@dataclass(frozen=True)
class Section:
    """A chapter of the page."""

    title: str
    lines: list[str]
    checks: list[Check] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)


def cost(job: str, baseline_name: str, ours: Timings, baseline: Timings, at_most: float | None) -> Check:
    """Compare the time of the service with that of the baseline, round by round."""
    ratios = [mine / least for mine, least in zip(ours.rounds, baseline.rounds, strict=True)]
    return Check(
        job, baseline_name, str(ours), str(baseline), ratios, Target(at_most), ours.percentiles() if ours.calls else ""
    )


def speed(job: str, baseline_name: str, ours: Timings, baseline: Timings, at_least: float | None) -> Check:
    """Compare the speed of the service with that of the baseline, round by round."""
    ratios = [least / mine for mine, least in zip(ours.rounds, baseline.rounds, strict=True)]
    target = Target(at_least, at_most=False)
    return Check(job, baseline_name, str(ours), str(baseline), ratios, target, ours.percentiles() if ours.calls else "")


def figure(job: str, value: float, unit: str, at_most: float) -> Check:
    """Check a figure that has a limit and no baseline."""
    return Check(job, "", f"{value:.3g} {unit}", "", [value], Target(at_most))


def text(seconds: float) -> str:
    """Return seconds in the most readable unit."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"
