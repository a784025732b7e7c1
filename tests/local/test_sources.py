"""The time of the last change of a function's code."""

import os
from pathlib import Path

import pytest

from local import sources

YEAR_2001, YEAR_2100 = 10**18, 41 * 10**17


@pytest.fixture
def code(tmp_path):
    """A folder with a file in a subfolder, all of them old."""
    (tmp_path / "layer").mkdir()
    (tmp_path / "layer" / "module.py").touch()
    date(tmp_path / "layer" / "module.py", tmp_path / "layer", tmp_path, at=YEAR_2001)
    return tmp_path


def date(*paths, at):
    for path in paths:
        os.utime(path, ns=(at, at))


def newest(folder):
    return max(sources.changes(str(folder)))


def test_a_file_in_a_folder_counts_as_code(code):
    date(code / "layer" / "module.py", at=YEAR_2100)

    assert newest(code) == YEAR_2100


def test_a_link_without_a_target_does_not_count_as_code(code):
    (code / ".#app.py").symlink_to("user@host.1234")  # Emacs makes one beside an edited file
    date(code, at=YEAR_2001)

    assert newest(code) == YEAR_2001


def test_a_folder_that_disappears_during_the_search_is_ignored(code, monkeypatch):
    (code / "gone").mkdir()
    date(code, at=YEAR_2001)
    scan = os.scandir

    def scan_without_it(folder):
        entries = [*scan(folder)]
        if Path(folder) == code:
            (code / "gone").rmdir()
        return entries

    monkeypatch.setattr(os, "scandir", scan_without_it)

    assert newest(code) == YEAR_2001
