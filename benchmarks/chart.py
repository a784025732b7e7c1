"""docs/benchmarks.svg: bars for how much of each target is spent, and lines for how costs grow with size."""

import math
from html import escape

from benchmarks.results import Check, Curve

WIDTH = 960
LABELS = 470
BAR = 22
PLOT = 220
COLOURS = ("#2563eb", "#d97706", "#059669", "#7c3aed", "#db2777", "#0891b2")
MET, MISSED = "#059669", "#dc2626"


def draw(checks: list[Check], curves: list[Curve]) -> str:
    """Return the SVG."""
    bound = [check for check in checks if check.target.bound is not None]
    bars = _bars(bound, top=50)
    lines = _lines(curves, top=90 + BAR * len(bound))
    height = 90 + BAR * len(bound) + (PLOT + 70 if curves else 0)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
            'font-size="12">',
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
            *bars,
            *lines,
            "</svg>\n",
        ]
    )


def _bars(checks: list[Check], top: int) -> list[str]:
    scale = (WIDTH - LABELS - 70) / max([1.2, *(check.target.spent(check.ratio) for check in checks)])
    limit = LABELS + scale
    parts = [_text(10, 24, "Share of the target that is spent (the line is the target)", size=15)]
    for number, check in enumerate(checks):
        y = top + number * BAR
        width = check.target.spent(check.ratio) * scale
        colour = MET if check.met else MISSED
        label = f"{check.job} / {check.floor_name}" if check.floor_name else check.job
        parts += [
            _text(LABELS - 8, y + 13, label, anchor="end"),
            f'<rect x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR - 6}" fill="{colour}"/>',
            _text(LABELS + width + 5, y + 13, f"{check.ratio:.2f} ({check.target})"),
        ]
    bottom = top + BAR * len(checks)
    return [*parts, f'<path d="M{limit:.1f} {top - 6}V{bottom}" stroke="black" stroke-dasharray="4 3"/>']


def _lines(curves: list[Curve], top: int) -> list[str]:
    if not curves:
        return []
    sizes = [math.log10(max(size, 1)) for curve in curves for size in curve.seconds]
    most = max(math.log10(ratio) for curve in curves for ratio in curve.relative().values()) or 1
    low, span = min(sizes), max(max(sizes) - min(sizes), 1)

    def place(size: int, ratio: float) -> tuple[float, float]:
        x = 60 + (math.log10(max(size, 1)) - low) / span * (LABELS - 80)
        return x, top + 30 + PLOT - max(math.log10(ratio), 0) / most * PLOT

    parts = [_text(10, top, "Cost against the smallest size (both axes logarithmic)", size=15)]
    for power in range(math.floor(low), math.ceil(low + span) + 1):
        parts.append(_text(place(10**power, 1)[0], top + PLOT + 50, f"{10**power:,}", anchor="middle"))
    for power in range(math.ceil(most) + 1):
        parts.append(_text(50, place(1, 10**power)[1] + 4, f"{10**power:,}-fold", anchor="end"))
    for number, curve in enumerate(curves):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in curve.relative().items())
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        last = list(curve.relative().values())[-1]
        label = f"{curve.name}: {last:.2f} times over {curve.size_of} ({curve.target})"
        parts.append(_text(LABELS + 20, top + 30 + number * 20, label, colour=colour))
    return parts


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, colour: str = "black") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(text)}</text>'
    )
