"""`make bench`: measure, print, and write docs/benchmarks.md.

SCALE=0.1 shrinks the data, ROUNDS=5 repeats more, ONLY=sweep,report picks some; the page is written by a whole run.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import month_of_user, report, sweep
from benchmarks.databases import Databases
from local import postgres

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
JOBS: dict[str, Callable[..., str]] = {"sweep": sweep.run, "report": report.run, "month_of_user": month_of_user.run}


def main() -> None:
    """Run the benchmarks on an embedded Postgres of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(JOBS))
    options = parser.parse_args()
    with postgres.server(durable=True) as server:
        databases = Databases(server)
        databases.create_owner()
        sections = [
            JOBS[name](databases, scale=options.scale, rounds=options.rounds, say=_say)
            for name in options.only.split(",")
        ]
    page = "\n".join([f"# Benchmarks\n\n{_machine()} `make bench` writes this page.\n", *sections])
    _say(page)
    if options.scale == 1 and len(sections) == len(JOBS):
        PAGE.write_text(page)


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, the embedded Postgres 16 "
        "with its own defaults, fsync on. Ratios travel, seconds do not."
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
