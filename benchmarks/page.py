"""docs/benchmarks.md: all targets in one table, the growth of costs, and the figures of each job."""

from benchmarks.results import Check, Curve, Section, text

GROWTH = [
    "| growth of | over | cost at each size | last / first | target |",
    "|---|---|---|---|---|",
]
TABLE = [
    "| job | compared with | service | baseline | ratio (min to max) | target | p50 · p95 · p99 of the service |",
    "|---|---|---|---|---|---|---|",
]


def write(machine: str, sections: list[Section]) -> str:
    """Return the whole page."""
    checks = [check for section in sections for check in section.checks]
    parts = [
        f"# Benchmarks\n\n{machine}\n",
        "Each ratio is of one run. The service and the baseline take turns, round after round. The ratio is the median",
        "of the rounds; the lowest and the highest round are in brackets. A target in bold is missed, and",
        "[decision 11](decisions/0011-speed-of-requests.md) has the reason. `make bench` writes this page.\n",
        *TABLE,
        *(_row(check) for check in checks),
        "",
        *GROWTH,
        *(_growth(curve) for section in sections for curve in section.curves),
        "",
        *(f"## {section.title}\n\n" + "\n".join(section.lines) + "\n" for section in sections if section.lines),
    ]
    return "\n".join(parts)


def _row(check: Check) -> str:
    low, high = min(check.ratios), max(check.ratios)
    spread = f" ({low:.2f} to {high:.2f})" if len(check.ratios) > 1 else ""
    target = str(check.target) if check.met else f"**{check.target}**"
    cells = (check.job, check.baseline_name, check.ours, check.baseline, f"{check.ratio:.2f}{spread}", target)
    return f"| {' | '.join(cells)} | {check.percentiles} |"


def _growth(curve: Curve) -> str:
    costs = " · ".join(f"{size:,}: {text(seconds)}" for size, seconds in curve.seconds.items())
    *_, last = curve.relative().values()
    return f"| {curve.name} | {curve.size_of} | {costs} | {last:.2f} | {curve.target} |"
