"""Cold starts: a fresh process with the layer as it is deployed, from nothing to the first answer, connect included."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks import population
from benchmarks.databases import Databases
from benchmarks.results import Check, Section, Timings, cost
from benchmarks.timing import Say, once_each, seconds

PROJECT = Path(__file__).parent.parent
BUILD = PROJECT / ".local" / "build"
LAYERS = [str(path / "python") for path in sorted(BUILD.glob("*Layer"))]
RUNTIME = [str(path) for path in (PROJECT / ".local" / "runtime" / "lib").glob("python*/site-packages")]
STARTS = 4
"""Fresh processes a way and round."""

READ = "list_memberships"
OTHERS = ("change_memberships", "create_segment", "list_user_history", "show_job", "check_health")
FLOOR = "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL']).execute('select 1').fetchall()"
CALL = """
import json, app
answer = app.handler(json.loads({event!r}), None)
assert answer["statusCode"] < 500, answer
"""


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Start each way's process in turn."""
    url = databases.url(population.shared(databases, scale, say))
    ways = {"floor": partial(_start, url, FLOOR, None)}
    for function in (READ, *OTHERS):
        event = (PROJECT / "events" / f"{function}.json").read_text("utf-8")
        ways[function] = partial(_start, url, CALL.format(event=event), function)
    found = once_each(ways, rounds=rounds * STARTS, say=lambda line: None)
    say("  " + ", ".join(f"{name} {timings}" for name, timings in found.items()))
    return Section(
        "Cold start",
        [
            "The interpreter's own start is in both. The processes find the layer precompiled, as it is deployed, and",
            "connect to the local Postgres, without TLS. `show_job` can sign links to reports.",
        ],
        [_check(READ, found, 2), *(_check(function, found, 2.3) for function in OTHERS)],
    )


def _check(function: str, found: dict[str, Timings], at_most: float) -> Check:
    return cost(f"cold start, {function}", "import psycopg, connect", found[function], found["floor"], at_most)


def _start(url: str, program: str, function: str | None) -> float:
    folders = [*LAYERS, *RUNTIME]
    if function:
        folders.insert(0, str(BUILD / function.title().replace("_", "")))
    return seconds(
        lambda: subprocess.run(  # noqa: S603 -- this interpreter; -I and -S: nothing but what Lambda has
            [sys.executable, "-B", "-I", "-S", "-c", f"import sys; sys.path[:0] = {folders}\n{program}"],
            env={"DATABASE_URL": url, "AWS_DEFAULT_REGION": "eu-central-1", "PATH": os.defpath},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    )
