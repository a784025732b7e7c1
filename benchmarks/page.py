"""docs/benchmarks.md: every target in one table, the chart, and each job's own figures."""

from benchmarks.results import Check, Curve, Section, text

GROWTH = [
    "| growth of | over | cost at each size | last against first | target |",
    "|---|---|---|---|---|",
]
TABLE = [
    "| job | beside | ours | floor | ratio (min to max) | target | p50 · p95 · p99 of ours |",
    "|---|---|---|---|---|---|---|",
]


def write(machine: str, sections: list[Section]) -> str:
    """Return the whole page."""
    checks = [check for section in sections for check in section.checks]
    parts = [
        f"# Benchmarks\n\n{machine}\n",
        "Each ratio is of one run: the ways take turns, round after round; the median counts, with the lowest and the",
        "highest round beside it. A bold target is missed: [decision 11](decisions/0011-speed-of-requests.md) has the",
        "reason. `make bench` writes this page.\n",
        *TABLE,
        *(_row(check) for check in checks),
        "",
        *GROWTH,
        *(_growth(curve) for section in sections for curve in section.curves),
        "\n![How much of each target is spent, and how costs grow](benchmarks.svg)\n",
        *(f"## {section.title}\n\n" + "\n".join(section.lines) + "\n" for section in sections if section.lines),
    ]
    return "\n".join(parts)


def _row(check: Check) -> str:
    low, high = min(check.ratios), max(check.ratios)
    spread = f" ({low:.2f} to {high:.2f})" if len(check.ratios) > 1 else ""
    target = str(check.target) if check.met else f"**{check.target}**"
    cells = (check.job, check.floor_name, check.ours, check.floor, f"{check.ratio:.2f}{spread}", target)
    return f"| {' | '.join(cells)} | {check.percentiles} |"


def _growth(curve: Curve) -> str:
    costs = " · ".join(f"{size:,}: {text(seconds)}" for size, seconds in curve.seconds.items())
    *_, last = curve.relative().values()
    return f"| {curve.name} | {curve.size_of} | {costs} | {last:.2f} | {curve.target} |"
