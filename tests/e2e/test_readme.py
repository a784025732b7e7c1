"""The README's shell lines work as printed: pasted into one shell, top to bottom, on an empty database."""

import re
import shutil
import subprocess

import pytest

from local.settings import ROOT
from tests.template_routes import IN_README

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

README = (ROOT / "README.md").read_text()
LINES = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).splitlines()
COMMENTS = [line for line in LINES if line.startswith("#")]
COMMANDS = [line for line in LINES if line and line not in COMMENTS]
URL = re.compile(r"localhost:8080([^'\"?]*)")
SEPARATOR = "\x1e"
SAY_THE_STATUS = """
curl() { command curl --silent --show-error --write-out '%{stderr}%{http_code}\\n' "$@"; }
"""


@pytest.fixture
def paste(owner, local_run, tmp_path):
    def run(commands):
        """Run the commands in one shell, and return the output and the HTTP statuses of each."""
        after_each = f"\nprintf '{SEPARATOR}'\nprintf '{SEPARATOR}' >&2\n"
        script = SAY_THE_STATUS + "".join(command + after_each for command in commands)
        printed = script.replace("localhost:8080", f"localhost:{local_run.port}")
        command = ["/bin/sh", "-euc", printed]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)  # noqa: S603 - printed
        answers = zip(done.stdout.split(SEPARATOR), done.stderr.split(SEPARATOR), strict=True)
        return dict(zip(commands, answers, strict=False))

    return run


def test_every_line_succeeds(paste):
    answers = paste(COMMANDS)

    assert answers.keys() == {*COMMANDS}
    assert {line: answer for line, answer in answers.items() if not succeeded(line, answer[1])} == {}
    assert rows_in(printed for printed, _ in answers.values()) == rows_in(LINES)


def test_every_route_has_a_curl_line(api_routes):
    printed = {(method_of(line), path_of(line)) for line in COMMANDS if "curl" in line and URL.search(line)}

    missing = {route for route in api_routes if not any(matches(route, curl) for curl in printed)}

    assert missing == set()


def test_no_comment_harms_a_shell_that_reads_it_as_a_command():
    """At the prompt of zsh a comment is a command that does not exist, with arguments."""
    harmful = re.compile(r"[`'$;&|<>()*?!\\]")

    assert [comment for comment in COMMENTS if harmful.search(comment) or comment.count('"') % 2] == []


def test_outside_of_its_code_the_readme_is_short():
    assert len(re.sub(r"```.*?```", "", README, flags=re.DOTALL).split()) <= 900


@pytest.fixture(scope="module")
def api_routes():
    return {(route.method, route.path) for route in IN_README}


def succeeded(line, statuses):
    """Return whether each request of a line was answered 2xx, and no other program complained."""
    return [status[0] for status in statuses.split()] == ["2"] * line.count("curl")


def rows_in(lines):
    """Return the numbers of rows in the reports of one user that the lines show: a job has its report inside."""
    return re.findall(r'(?<!:)\{"report_link".*"rows":(\d+)', "\n".join(lines))


def method_of(line):
    explicit = re.search(r"--request (\w+)", line)
    return explicit[1] if explicit else "GET"


def path_of(line):
    return URL.search(line)[1]


def matches(route, curl):
    pattern = re.sub(r"\{\w+\}", "[^/]+", route[1])
    return route[0] == curl[0] and re.fullmatch(pattern, curl[1])
