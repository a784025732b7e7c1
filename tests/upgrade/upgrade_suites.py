"""The previous code works on the newest schema: its own tests pass there."""

import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

PLUGIN = Path(__file__).with_name("newest_schema.py")
LEAST_TESTS = {"tests/functions": 500, "tests/integration": 200}
WORKERS = os.environ.get("UPGRADE_WORKERS", "0")
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

ARRIVALS = "--deselect=tests/integration/test_arrivals.py::test_"
HAS_ITS_OWN_RULE_FOR_ARRIVALS = (
    f"{ARRIVALS}every_arrival_has_the_same_chance_whatever_came_before",
    f"{ARRIVALS}share_stays_exact_whatever_is_drawn",
    f"{ARRIVALS}arrival_that_is_rolled_back_does_not_count",
    f"{ARRIVALS}arrival_that_fails_does_not_count",
    f"{ARRIVALS}only_late_arrivals_are_read_even_without_table_statistics",
    # while that code sets a percent, this schema lets no user arrive: the test would wait for itself
    f"{ARRIVALS}share_is_exact_when_users_arrive_while_a_percent_is_set",
    f"{ARRIVALS}raised_percent_keeps_the_users_enrolled_while_it_was_set",
    f"{ARRIVALS}answer_counts_the_users_who_arrived_while_a_percent_was_set",
    "--deselect=tests/integration/test_restore.py::test_arrival_numbers_continue_and_the_percent_stays_exact",
)
"""They call the functions of version 11, or expect that a rolled-back arrival returns its number."""

HAS_FEWER_RIGHTS = tuple(
    f"--deselect=tests/integration/test_rights.py::test_application_role_is_refused[{statement}]"
    for statement in (
        "update accounts set role = 'admin'",
        "update accounts set password_hash = '$argon2id$'",
        "delete from accounts",
    )
)
"""Release 1.0 refuses these statements. Migration 13 allows them."""

LEFT_OUT = (
    HAS_ITS_OWN_SCHEMA + HAS_ITS_OWN_RULE_FOR_ARRIVALS + HAS_FEWER_RIGHTS + NEVER_REACHES_THE_DATABASE + STATISTICS
)


@pytest.mark.parametrize("suite", LEAST_TESTS)
def test_previous_code_passes_its_own_tests_on_the_newest_schema(code_before, suite, tmp_path, capfd):
    results = tmp_path / "results.xml"
    plugins = ("-p", PLUGIN.stem, "-p", "no:cacheprovider")
    options = (f"--junit-xml={results}", "-n", WORKERS, "--dist=loadfile", "--no-loadscope-reorder")
    with capfd.disabled():  # it takes minutes, and shows its progress
        ended = subprocess.run(  # noqa: S603 -- our own
            [code_before.python, "-m", "pytest", *plugins, *options, *LEFT_OUT, suite],
            cwd=code_before.tree,
            env=os.environ | {"PYTHONPATH": str(PLUGIN.parent), "LAW_EXAMPLES": "10"},
        )

    assert ended.returncode == 0
    assert passed(results) > LEAST_TESTS[suite]


def passed(results: Path) -> int:
    [suite] = ElementTree.parse(results).getroot()  # noqa: S314 -- pytest's own file
    return int(suite.attrib["tests"]) - int(suite.attrib["skipped"])
