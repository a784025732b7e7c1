"""A failure is printed before the next tests run, also with several workers."""

import subprocess
import sys

import pytest

from local.settings import ROOT

SUITE = """
import pytest

def test_fails():
    assert "the reason" == ""

@pytest.mark.parametrize("number", range(5))
def test_passes(number):
    pass
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_failure_is_printed_before_the_end(tmp_path, workers):
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "conftest.py").write_text("from tests.failures_at_once import register as pytest_configure\n")
    command = [sys.executable, "-m", "pytest", "-q", f"-n{workers}", f"--rootdir={tmp_path}", tmp_path]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 -- the text above

    printed, _, rest = done.stdout.partition("= FAILURES =")
    assert "the reason" in printed
    assert "1 failed, 5 passed" in rest
