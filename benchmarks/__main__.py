"""`make bench`: measure, print, and write docs/benchmarks.md with its chart.

SCALE=0.1 shrinks the data, ROUNDS=5 repeats more, ONLY=sweep,report picks some; the page is written by a whole run.
"""

import argparse
import importlib
import os
import platform
import sys
import time
from pathlib import Path

from benchmarks import chart, databases, page
from benchmarks.results import Check, Curve, Section

DOCS = Path(__file__).parent.parent / "docs"
JOBS = [
    *("read", "batch_read", "read_cold", "write", "cold_start", "layer_size", "enrol", "arrivals"),
    *("sweep", "report", "month_of_user", "delete_segment", "growth"),
]


def main() -> None:
    """Run the benchmarks on an embedded Postgres of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(JOBS))
    options = parser.parse_args()
    begun = time.monotonic()
    with databases.opened() as opened:
        sections = [_run(name, opened, options) for name in options.only.split(",")]
    text = page.write(
        f"{_machine()} {(time.monotonic() - begun) / 60:.0f} minutes at scale {options.scale:g}.", sections
    )
    _say(text)
    if options.scale == 1 and options.only == parser.get_default("only"):
        checks, curves = _all(sections)
        (DOCS / "benchmarks.md").write_text(text, "utf-8")
        (DOCS / "benchmarks.svg").write_text(chart.draw(checks, curves), "utf-8")


def _run(name: str, opened: databases.Databases, options: argparse.Namespace) -> Section:
    _say(name)
    section: Section = importlib.import_module(f"benchmarks.{name}").run(
        opened, scale=options.scale, rounds=options.rounds, say=_say
    )
    return section


def _all(sections: list[Section]) -> tuple[list[Check], list[Curve]]:
    return (
        [check for section in sections for check in section.checks],
        [curve for section in sections for curve in section.curves],
    )


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, the embedded Postgres 16 "
        "with a quarter of the memory for its buffers, as RDS has it, fsync on, and its own defaults otherwise. Ratios "
        "travel, seconds do not."
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
