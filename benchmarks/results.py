"""What a benchmark found: ours beside a floor, against a target, and what grows with size."""

import statistics
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Timings:
    """One way to do a job: seconds, one figure a round, and those of every call."""

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
    """What a ratio has to keep to; without a bound it is shown for comparison."""

    bound: float | None
    at_most: bool = True

    def met(self, ratio: float) -> bool:
        """Return whether a ratio is on the right side of the bound."""
        return self.bound is None or (ratio <= self.bound if self.at_most else ratio >= self.bound)

    def spent(self, ratio: float) -> float:
        """Return how much of what is allowed a ratio takes: 1 is the bound."""
        bound = self.bound or ratio
        return ratio / bound if self.at_most else bound / ratio

    def __str__(self) -> str:
        return "" if self.bound is None else f"{'≤' if self.at_most else '≥'} {self.bound:g}"


@dataclass(frozen=True)
class Check:
    """A row of the table."""

    job: str
    floor_name: str
    ours: str
    floor: str
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
    """What a job costs at several sizes."""

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


def cost(job: str, floor_name: str, ours: Timings, floor: Timings, at_most: float | None) -> Check:
    """Compare what ours takes with what the floor takes, round by round."""
    ratios = [mine / least for mine, least in zip(ours.rounds, floor.rounds, strict=True)]
    return Check(
        job, floor_name, str(ours), str(floor), ratios, Target(at_most), ours.percentiles() if ours.calls else ""
    )


def speed(job: str, floor_name: str, ours: Timings, floor: Timings, at_least: float | None) -> Check:
    """Compare how fast ours is with how fast the other way is, round by round."""
    ratios = [least / mine for mine, least in zip(ours.rounds, floor.rounds, strict=True)]
    target = Target(at_least, at_most=False)
    return Check(job, floor_name, str(ours), str(floor), ratios, target, ours.percentiles() if ours.calls else "")


def figure(job: str, value: float, unit: str, at_most: float) -> Check:
    """Hold a figure that has no floor to its limit."""
    return Check(job, "", f"{value:.3g} {unit}", "", [value], Target(at_most))


def text(seconds: float) -> str:
    """Return seconds in the unit that reads best."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"
