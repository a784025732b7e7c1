"""docs/faults.md names real tests, and every suite that breaks something."""

import ast
import re
from functools import cache

import pytest

from local.settings import ROOT

PAGE = ROOT / "docs" / "faults.md"
TEST = re.compile(r"`(tests/[\w./-]+)(?:::(\w+))?`")
SUITES = [
    path
    for pattern in ("chaos/chaos_*.py", "chaos/test_*.py", "load/load_*.py", "pooler/test_*.py", "upgrade/upgrade_*.py")
    for path in (ROOT / "tests").glob(pattern)
]
FAULTS, DEFECTS = 26, 14


def rows(heading):
    """The rows of the table under a heading, as lists of cells."""
    section = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@cache
def functions_of(path):
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize("named", sorted(set(TEST.findall(PAGE.read_text()))), ids="::".join)
def test_a_test_that_the_page_names_exists(named):
    path, function = named

    assert (ROOT / path).is_file()
    assert not function or function in functions_of(path)


@pytest.mark.parametrize(("heading", "number"), [("The list", FAULTS), ("Seen elsewhere", DEFECTS)])
def test_the_list_is_complete_and_every_row_names_a_test(heading, number):
    found = rows(heading)

    assert [row[0] for row in found] == [str(which) for which in range(1, number + 1)]
    assert [row[0] for row in found if not TEST.search(row[-1])] == []


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_a_suite_that_breaks_something_is_on_the_page(suite):
    assert f"`{suite.relative_to(ROOT)}" in PAGE.read_text()


def test_a_name_without_a_test_is_noticed():
    assert "test_nothing_of_the_kind" not in functions_of("tests/contract/test_faults.py")
