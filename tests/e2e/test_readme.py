"""Every curl line of the README works as printed, in a shell, top to bottom, on an empty database.

$JOB_ID, $FILE_NAME and $TOKEN stand for what an earlier line has answered.
"""

import json
import os
import re
import shutil
import subprocess

import pytest

from local.settings import ROOT
from tests.template_routes import ROUTES

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

README = (ROOT / "README.md").read_text()
LINES = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
CURLS = [line for line in LINES if line.startswith("curl")]


@pytest.fixture
def run_curl(owner, local_run, tmp_path):
    known = {}

    def run(line):
        printed = line.replace("localhost:8080", f"localhost:{local_run.port}")
        command = ["/bin/sh", "-uc", f"{printed} --silent --show-error --write-out '\\n%{{http_code}}'"]
        environment = {**os.environ, **known}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - printed
        body, _, status = done.stdout.rpartition("\n")
        known.update(names_in(body))
        return int(status), body

    return run


def test_every_curl_line_succeeds(run_curl):
    answers = {line: run_curl(line) for line in CURLS}

    assert {line: answer for line, answer in answers.items() if answer[0] >= 300} == {}
    assert rows_in(answers) == [int(rows) for rows in re.findall(r'"rows":(\d+)', "\n".join(LINES))]


def test_every_route_has_a_curl_line(api_routes):
    printed = {(method_of(line), path_of(line)) for line in CURLS}

    missing = {route for route in api_routes if not any(matches(route, curl) for curl in printed)}

    assert missing == set()


@pytest.fixture(scope="module")
def api_routes():
    return {(route.method, route.path) for route in ROUTES}


def names_in(body):
    """Find in an answer what a later line may name."""
    answer = json.loads(body) if body.startswith("{") else {}
    if "token" in answer:
        yield "TOKEN", answer["token"]
    if "job_id" in answer:
        yield "JOB_ID", answer["job_id"]
    if "report_link" in answer:
        yield "FILE_NAME", re.search(r"/reports/([^?]+)", answer["report_link"])[1]


def rows_in(answers):
    """How many rows the reports have that were answered at once."""
    links = [json.loads(body) for _, body in answers.values() if body.startswith('{"report_link"')]
    return [link["rows"] for link in links]


def method_of(line):
    explicit = re.search(r"--request (\w+)", line)
    return explicit[1] if explicit else "GET"


def path_of(line):
    return re.search(r"localhost:8080([^'\"?]*)", line)[1]


def matches(route, curl):
    pattern = re.sub(r"\{\w+\}", "[^/]+", route[1])
    return route[0] == curl[0] and re.fullmatch(pattern, curl[1])
