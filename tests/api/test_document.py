"""A strict linter finds nothing in the document."""


def test_the_linter_finds_nothing(run_tool):
    answer = run_tool("spectral", "lint", "--fail-severity", "hint", "docs/openapi.json")

    assert answer.returncode == 0, answer.stdout
