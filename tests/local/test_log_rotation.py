"""The size limit of the log files."""

import pytest

from local import log_rotation


@pytest.fixture(autouse=True)
def limit(monkeypatch):
    monkeypatch.setattr(log_rotation, "LIMIT_BYTES", 10)


def test_large_log_is_emptied_and_its_text_is_kept_beside_it(tmp_path):
    (tmp_path / "s3.log").write_text("eleven byte")

    log_rotation.rotate(tmp_path)

    assert (tmp_path / "s3.log").read_text() == ""
    assert (tmp_path / "s3.log.1").read_text() == "eleven byte"


def test_log_within_the_limit_stays(tmp_path):
    (tmp_path / "s3.log").write_text("ten bytes.")

    log_rotation.rotate(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["s3.log"]


def test_process_that_has_the_log_open_goes_on_at_its_new_end(tmp_path):
    with (tmp_path / "s3.log").open("ab", buffering=0) as log:
        log.write(b"eleven byte")
        log_rotation.rotate(tmp_path)

        log.write(b"more")

    assert (tmp_path / "s3.log").read_bytes() == b"more"


def test_second_rotation_replaces_the_first(tmp_path):
    for text in ("first log text", "second log text"):
        (tmp_path / "s3.log").write_text(text)
        log_rotation.rotate(tmp_path)

    assert (tmp_path / "s3.log.1").read_text() == "second log text"
