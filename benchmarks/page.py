"""docs/benchmarks.md: all targets in one table, the growth of costs, and the figures of each job."""

from benchmarks.results import Check, Curve, Section, text

GROWTH = [
    "| growth of | over | cost at each size | last / first | target |",
    "|---|---|---|---|---|",
]
TABLE = [
    "| job | compared with | service | baseline | ratio (min to max) | second run | target "
    "| p50 · p95 · p99 of the service |",
    "|---|---|---|---|---|---|---|---|",
]
APART = 1.2
"""How many times one run's ratio must be the other's for the page to say that the runs differ."""


def write(machine: str, runs: list[list[Section]]) -> str:
    """Return the whole page. Its figures are of the first run. A second run adds its ratios."""
    sections = runs[0]
    checks = zip(*([check for section in run for check in section.checks] for run in runs), strict=True)
    parts = [
        f"# Benchmarks\n\n{machine}\n",
        "Each ratio is of one run. The service and the baseline take turns, round after round. The ratio is the",
        "median of the rounds; the lowest and the highest round are in brackets. The second run has databases of its",
        "own. Where its ratio is more than a fifth above or below that of the first run, the table says so. A target",
        "in bold is missed by a run, and [decision 11](decisions/0011-speed-of-requests.md) has the reason.",
        "`make bench RUNS=2` writes this page.\n",
        *TABLE,
        *(_row(*row) for row in checks),
        "",
        *GROWTH,
        *(_growth(curve) for section in sections for curve in section.curves),
        "",
        *(f"## {section.title}\n\n" + "\n".join(section.lines) + "\n" for section in sections if section.lines),
    ]
    return "\n".join(parts)


def _row(first: Check, second: Check | None = None) -> str:
    target = str(first.target) if first.met and (second is None or second.met) else f"**{first.target}**"
    again = _again(first, second) if second else ""
    cells = (first.job, first.baseline_name, first.ours, first.baseline, _ratio(first), again, target)
    return f"| {' | '.join(cells)} | {first.percentiles} |"


def _ratio(check: Check) -> str:
    low, high = min(check.ratios), max(check.ratios)
    return f"{check.ratio:.2f} ({low:.2f} to {high:.2f})" if len(check.ratios) > 1 else f"{check.ratio:.2f}"


def _again(first: Check, second: Check) -> str:
    low, high = sorted((first.ratio, second.ratio))
    return f"{_ratio(second)}, differs" if high > low * APART else _ratio(second)


def _growth(curve: Curve) -> str:
    costs = " · ".join(f"{size:,}: {text(seconds)}" for size, seconds in curve.seconds.items())
    *_, last = curve.relative().values()
    return f"| {curve.name} | {curve.size_of} | {costs} | {last:.2f} | {curve.target} |"
