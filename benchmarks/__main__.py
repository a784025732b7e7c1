"""`make bench`: measure, print, and write docs/benchmarks.md.

SCALE=0.1 shrinks the data. ROUNDS=5 repeats more. RUNS=2 runs everything twice. ONLY=sweep,report selects benchmarks.
Only runs of all benchmarks at scale 1 write the page.
"""

import argparse
import importlib
import os
import platform
import sys
import time
from pathlib import Path

from benchmarks import databases, page
from benchmarks.results import Section

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
JOBS = [
    *("read", "batch_read", "ofrep", "read_cold", "write", "many_users", "cold_start", "layer_size", "enrol"),
    *("arrivals", "sweep", "report", "export", "imports", "month_of_user", "past", "sizes", "feed"),
    *("delete_segment", "growth", "readers"),
]


def main() -> None:
    """Run the benchmarks on their own embedded Postgres."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--only", default=",".join(JOBS))
    options = parser.parse_args()
    begun = time.monotonic()
    runs = []
    for _ in range(options.runs):
        runs.append(_run(options))
        minutes = (time.monotonic() - begun) / 60 / len(runs)
        text = page.write(f"{_machine()} {minutes:.0f} minutes at scale {options.scale:g}.", runs)
        _say(text)
        if options.scale == 1 and options.only == parser.get_default("only"):
            PAGE.write_text(text, "utf-8")


def _run(options: argparse.Namespace) -> list[Section]:
    _say("starting Postgres")
    with databases.opened() as opened:
        return [_section(name, opened, options) for name in options.only.split(",")]


def _section(name: str, opened: databases.Databases, options: argparse.Namespace) -> Section:
    _say(name)
    section: Section = importlib.import_module(f"benchmarks.{name}").run(
        opened, scale=options.scale, rounds=options.rounds, say=_say
    )
    return section


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, the embedded Postgres 16. "
        "Its buffers have a quarter of the memory, as on RDS. fsync is on. All other settings are defaults. Ratios "
        "hold on other machines, seconds do not."
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
