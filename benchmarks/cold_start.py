"""Cold starts: a new process with the deployed layer, from its start to its first response, with the connect."""

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
"""New processes per variant and round."""

READ = "list_memberships"
OTHERS = ("change_memberships", "create_segment", "list_user_history", "show_job", "check_health")
BASELINE = "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL']).execute('select 1').fetchall()"
CALL = """
import json, app
answer = app.handler(json.loads({event!r}), None)
assert answer["statusCode"] < 500, answer
"""


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Start the process of each variant in turn."""
    url = databases.url(population.shared(databases, scale, say))
    variants = {"baseline": partial(_start, url, BASELINE, None)}
    for function in (READ, *OTHERS):
        event = (PROJECT / "events" / f"{function}.json").read_text("utf-8")
        variants[function] = partial(_start, url, CALL.format(event=event), function)
    say(f"  {rounds * STARTS} starts of each of {len(variants)} processes")
    found = once_each(variants, rounds=rounds * STARTS, say=lambda line: None)
    say("  " + ", ".join(f"{name} {timings}" for name, timings in found.items()))
    return Section(
        "Cold start",
        [
            "Both sides include the start of the interpreter. The processes use the precompiled layer of a deployment,",
            "and connect to the local Postgres without TLS. `show_job` can sign links to reports.",
        ],
        [_check(READ, found, 2), *(_check(function, found, 2.3) for function in OTHERS)],
    )


def _check(function: str, found: dict[str, Timings], at_most: float) -> Check:
    return cost(f"cold start, {function}", "import psycopg, connect", found[function], found["baseline"], at_most)


def _start(url: str, program: str, function: str | None) -> float:
    folders = [*LAYERS, *RUNTIME]
    if function:
        folders.insert(0, str(BUILD / function.title().replace("_", "")))
    return seconds(
        lambda: subprocess.run(  # noqa: S603 -- this interpreter; -I and -S hide what Lambda does not have
            [sys.executable, "-B", "-I", "-S", "-c", f"import sys; sys.path[:0] = {folders}\n{program}"],
            env={"DATABASE_URL": url, "AWS_DEFAULT_REGION": "eu-central-1", "PATH": os.defpath},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    )
