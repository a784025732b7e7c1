"""`make bench`: measure, print, and write docs/benchmarks.md; SCALE=0.1 shrinks the data, ROUNDS=5 repeats more."""

import argparse
import os
import platform
import sys
from pathlib import Path

from benchmarks import sweep
from benchmarks.databases import Databases
from local import postgres

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def main() -> None:
    """Run the benchmark on an embedded Postgres of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with postgres.server(durable=True) as server:
        section = sweep.run(Databases(server), scale=options.scale, rounds=options.rounds, say=_say)
    page = f"# Benchmarks\n\n{_machine()} `make bench` writes this page.\n\n{section}"
    _say(page)
    if options.scale == 1:
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
