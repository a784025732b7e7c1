"""The request log in the terminal."""

import io
import re
import threading

from local import request_log
from local.request_log import RequestLog


class Terminal(io.StringIO):
    """An output that is a terminal."""

    def isatty(self):
        return True


class Stuck(io.StringIO):
    """A terminal that accepts nothing until `goes_on` is set."""

    def __init__(self):
        super().__init__()
        self.goes_on = threading.Event()

    def write(self, text):
        self.goes_on.wait(30)
        return super().write(text)


def written(out, *, path="/user", status=200):
    log = RequestLog(out)
    log.add("GET", path, status, 12.34, "ListUsers warm")
    log.flush()
    return out.getvalue()


def test_a_line_describes_the_request_and_its_answer():
    line = written(io.StringIO())

    assert re.fullmatch(r"\d\d:\d\d:\d\d 200 GET        12 ms  /user  ListUsers warm\n", line)


def test_only_a_terminal_gets_colours():
    assert "\033" not in written(io.StringIO(), status=500)
    assert written(Terminal(), status=500).startswith("\033[31m")


def test_a_path_cannot_control_the_terminal_or_start_a_line():
    line = written(io.StringIO(), path="/user\r\n\033[2J\u202e")

    assert "/user%0D%0A%1B%5B2J%E2%80%AE" in line
    assert line.count("\n") == 1


def test_cause_of_a_failure_follows_its_request_and_cannot_control_the_terminal():
    out = io.StringIO()
    log = RequestLog(out)

    log.add("GET", "/user", 500, 1, "ListUsers warm")
    log.explain(lambda: "ValueError: \033[2J\n (see ListUsers.log)")
    log.flush()

    assert (
        out.getvalue().splitlines()[1]
        == "         ValueError: \N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER} (see ListUsers.log)"
    )


def test_no_request_waits_for_a_slow_terminal():
    out = Stuck()
    log = RequestLog(out)

    for _ in range(1000):
        log.add("GET", "/user", 200, 1, "x")

    assert out.getvalue() == ""
    out.goes_on.set()


def test_lines_beyond_the_limit_of_a_slow_terminal_are_dropped(monkeypatch):
    monkeypatch.setattr(request_log, "MAX_PENDING", 2)
    out = Stuck()
    log = RequestLog(out)

    for _ in range(10):
        log.add("GET", "/user", 200, 1, "x")
    out.goes_on.set()
    log.flush()

    assert 2 <= out.getvalue().count("\n") <= 3


def test_a_closed_terminal_is_no_failure():
    out = io.StringIO()
    log = RequestLog(out)
    out.close()

    log.add("GET", "/user", 200, 1, "x")
    log.flush()

    assert log.lines.unfinished_tasks == 0
