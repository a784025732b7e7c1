"""The previous code works on the newest schema: its own tests pass there."""

import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

PLUGIN = Path(__file__).with_name("newest_schema.py")
LEAST_TESTS = {"tests/functions": 500, "tests/integration": 200}
HAS_ITS_OWN_SCHEMA = (
    "--deselect=tests/functions/test_access.py::test_a_migration_makes_the_first_admin",
    # the name of this file in commits before its renaming
    "--deselect=tests/functions/test_database_trouble.py::test_health_names_the_schema_version",
    "--deselect=tests/functions/test_database_unavailable.py::test_health_names_the_schema_version",
    "--deselect=tests/functions/test_sample_events.py::test_sample_event_of_apply_migrations_finds_the_schema_up_to_date",
    "--deselect=tests/integration/test_schema.py",
    "--deselect=tests/integration/test_data_model.py",
    "--deselect=tests/integration/test_sql_files.py",
    "--deselect=tests/integration/test_restore.py::test_the_migrations_find_nothing_to_do",
)
"""They compare the schema with the previous files, or would apply those files to it."""

NEVER_REACHES_THE_DATABASE = tuple(
    f"--ignore-glob=*/tests/functions/test_{name}.py" for name in ("any_json", "bad_*", "docs", "hostile_*", "imports")
)
STATISTICS = ("--ignore-glob=*/tests/integration/test_rollout_fairness.py",)
"""They need the whole machine, and they count what other tests change."""

LEFT_OUT = HAS_ITS_OWN_SCHEMA + NEVER_REACHES_THE_DATABASE + STATISTICS


@pytest.mark.parametrize("suite", LEAST_TESTS)
def test_previous_code_passes_its_own_tests_on_the_newest_schema(code_before, suite, tmp_path, capfd):
    results = tmp_path / "results.xml"
    options = ("-p", PLUGIN.stem, "-p", "no:cacheprovider", f"--junit-xml={results}")
    with capfd.disabled():  # it takes minutes, and shows its progress
        ended = subprocess.run(  # noqa: S603 -- our own
            [code_before.python, "-m", "pytest", *options, *LEFT_OUT, suite],
            cwd=code_before.tree,
            env=os.environ | {"PYTHONPATH": str(PLUGIN.parent), "LAW_EXAMPLES": "10"},
        )

    assert ended.returncode == 0
    assert passed(results) > LEAST_TESTS[suite]


def passed(results: Path) -> int:
    [suite] = ElementTree.parse(results).getroot()  # noqa: S314 -- pytest's own file
    return int(suite.attrib["tests"]) - int(suite.attrib["skipped"])
