"""The tutorial's commands print what the tutorial shows, except for ids, instants and links."""

import re
import shutil
import subprocess

import pytest

from local.settings import ROOT
from segmentation.database import migrate

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
CONSOLE = "".join(re.findall(r"```console\n(.*?)```", TUTORIAL, re.DOTALL))
STEPS = [step.partition("\n")[::2] for step in re.split(r"^\$ ", CONSOLE, flags=re.MULTILINE)[1:]]
SEPARATOR = "\x1e"
OF_THIS_RUN = {
    r"http://(localhost|127\.0\.0\.1):\d+/reports-bucket/\S+?(?=\")": "LINK",
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?": "INSTANT",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "ID",
}


def answers_of(commands, base_url, folder):
    """Run the commands in one shell, and return what each prints."""
    script = f"\nprintf '{SEPARATOR}'\n".join(commands).replace("http://localhost:8080", base_url)
    command = ["/bin/sh", "-uc", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=120)  # noqa: S603 - printed
    return done.stdout.split(SEPARATOR)


def stable(text):
    """Return a text without its ids, instants and links."""
    for pattern, name in OF_THIS_RUN.items():
        text = re.sub(pattern, name, text)
    return text.strip()


def test_the_printed_version_of_the_schema_is_the_newest():
    [printed] = re.findall(r'"schema_version":(\d+)', CONSOLE)

    assert int(printed) == migrate.migrations()[-1].version


def test_every_command_prints_the_answer_of_the_tutorial(owner, base_url, tmp_path):
    commands, printed = zip(*STEPS, strict=True)

    answers = answers_of(commands, base_url, tmp_path)

    assert [*map(stable, answers)] == [*map(stable, printed)]
