"""The exceptions in the logs of functions."""

import json

import pytest

from local import function_log

TRACEBACK = 'Traceback (most recent call last):\n  File "app.py", line 1, in handler\nValueError: no such colour'


@pytest.fixture
def log(tmp_path):
    return tmp_path / "CreateUser.log"


def line(request_id, **members):
    return json.dumps({"message": "request failed", "request_id": request_id, **members}) + "\n"


def test_exception_of_a_request_is_the_last_line_of_its_traceback(log):
    log.write_text(line("1", exception="KeyError: 1") + "START\n" + line("2", exception=TRACEBACK) + line("2"))

    assert function_log.wait_for_exception(log, "2") == "ValueError: no such colour"


@pytest.mark.parametrize("text", ["", line("1"), line("2", exception=TRACEBACK), "[1]\n\xff\n"])
def test_request_without_a_traceback_has_no_exception(log, text):
    log.write_text(text)

    assert function_log.find_exception(log, "1") is None


def test_missing_log_has_no_exception(log, monkeypatch):
    monkeypatch.setattr(function_log, "WAIT_SECONDS", 0)

    assert function_log.wait_for_exception(log, "1") is None


def test_exception_is_found_at_the_end_of_a_large_log(log, monkeypatch):
    monkeypatch.setattr(function_log, "TAIL_BYTES", 300)
    log.write_text(line("0") * 100 + line("1", exception=TRACEBACK))

    assert function_log.find_exception(log, "1") == "ValueError: no such colour"
