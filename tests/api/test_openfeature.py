"""Stock clients of OpenFeature read segments of the local run as flags. Their programs are in clients/."""

import json
import re

import httpx
import pytest

from local.settings import ROOT
from tests.api.test_clients import MODULES, PROGRAMS, STORIES, run

GUIDE = (ROOT / "docs" / "how-to" / "openfeature.md").read_text("utf-8")
SLUG = "AVITO_VOICE"
MEMBER = 9007199254740993
"""A double cannot hold this id."""

STRICT = ["--strict", "--noEmit", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"]


@pytest.fixture
def add(base_url):
    """Create AVITO_VOICE with one member, and a segment of all users. Return a function that adds another member."""
    with httpx.Client(base_url=base_url, timeout=60, trust_env=False) as client:

        def post(path, **members):
            client.post(path, json=members).raise_for_status()

        def add_member(user_id):
            post("/segment/user", user_id=user_id, add_segments=[SLUG])

        for slug in (SLUG, "FLAGS_OF_ALL"):
            client.delete(f"/segment/{slug}")
        post("/user", user_id=1000)
        post("/segment", slug=SLUG)
        post("/segment", slug="FLAGS_OF_ALL", user_percent=100)
        add_member(MEMBER)
        yield add_member


@pytest.fixture
def node(tmp_path):
    """Return a function that checks the types of a program, runs it, and returns its output."""
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')

    def run_program(text, *arguments):
        (tmp_path / "program.ts").write_text(text)
        run(tmp_path, MODULES / ".bin" / "tsc", *STRICT, "--types", "node", "program.ts")
        return run(tmp_path, "node", "program.ts", *arguments)

    return run_program


def printed(language, number, base_url):
    """Return a program of the guide, for the local run of the tests."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)[number].replace("http://localhost:8080", base_url)


QUESTIONS = [f"{SLUG}={MEMBER}", f"{SLUG}=1000", "FLAGS_OF_ALL=1000", "NOT_THERE=1000", SLUG, f"{SLUG}=bob"]
VALUES = [
    (True, "on", "TARGETING_MATCH", {"because": "by_hand"}, None),
    (False, "off", "TARGETING_MATCH", {"because": "never_entered"}, None),
    (True, "on", "SPLIT", {"because": "by_percent"}, None),
]
ERRORS = ["FLAG_NOT_FOUND", "TARGETING_KEY_MISSING", "INVALID_CONTEXT"]


def assert_as_expected(shown):
    answers = json.loads(shown)
    assert [tuple(answer.values()) for answer in answers[:3]] == VALUES
    assert [(answer["value"], answer["error"]) for answer in answers[3:]] == [(False, code) for code in ERRORS]


def test_the_client_of_python_reads_flags_and_errors(add, base_url, tmp_path):
    shown = run(tmp_path, PROGRAMS / "python", STORIES / "flags.py", base_url, *QUESTIONS)

    assert_as_expected(shown)


def test_the_client_of_servers_in_typescript_reads_flags_and_errors(add, base_url, node):
    shown = node((STORIES / "flags.ts").read_text("utf-8"), base_url, *QUESTIONS)

    assert_as_expected(shown)


def test_the_client_of_browsers_polls_with_the_etag_and_sees_a_change(add, base_url, node):
    shown = json.loads(node((STORIES / "flags_web.ts").read_text("utf-8"), base_url, SLUG, 1000))

    assert shown["first"] == [False, "TARGETING_MATCH", {"because": "never_entered"}]
    assert shown["then"] == [True, "on", {"because": "by_hand"}]
    assert shown["unknown"] == "FLAG_NOT_FOUND"
    assert shown["statuses"] == [200, 304, 304, 200]


def test_the_program_of_the_guide_in_python_works_as_printed(add, base_url, tmp_path):
    add(1000)

    assert run(tmp_path, PROGRAMS / "python", "-c", printed("python", 0, base_url)) == "True\n"


@pytest.mark.parametrize("number", [0, 1], ids=["server", "browser"])
def test_the_programs_of_the_guide_in_typescript_work_as_printed(add, base_url, node, number):
    add(1000)
    program = printed("ts", number, base_url)

    assert node(f"{program}process.exit();\n") == "true\n"


@pytest.mark.parametrize("program", re.findall(r"```(?:python|ts)\n(.*?)```", GUIDE, re.DOTALL))
def test_each_program_of_the_guide_has_five_lines(program):
    assert len([line for line in program.splitlines() if line]) == 5
