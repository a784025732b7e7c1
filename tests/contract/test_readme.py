"""The README has a curl line for every route. `tests/e2e/test_readme.py` runs them."""

import re

import pytest

from local.settings import ROOT
from tests.template_routes import IN_README, name_of

README = (ROOT / "README.md").read_text("utf-8")


def requests_of(line):
    """The method and path of each request in a line."""
    for command in line.split("curl ")[1:]:
        method = re.search(r"(?:--request|-X) ([A-Z]+)", command)
        for path in re.findall(r"localhost:8080(/[^'\"?\s)]*)", command):
            yield (method[1] if method else "GET"), path


PRINTED = {request for line in README.splitlines() for request in requests_of(line)}


@pytest.mark.parametrize("route", IN_README, ids=name_of)
def test_the_readme_has_a_curl_line_for_every_route(route):
    pattern = re.sub(r"\{\w+\}", "[^/]+", route.path)

    assert any(method == route.method and re.fullmatch(pattern, path) for method, path in PRINTED), (
        f"README.md has no curl line for {name_of(route)}: add one to Routes, where the lines before it have made "
        "what it needs"
    )


def test_the_requests_of_a_line_are_found():
    line = "JOB_ID=$(curl --request POST -d '{}' 'http://localhost:8080/report?x=1')"

    assert [*requests_of(line)] == [("POST", "/report")]
