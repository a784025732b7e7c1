"""A share of the lines of ordinary requests stands for all of them. Every other line is written."""

import random

import pytest

from segmentation.runtime import log as runtime_log
from segmentation.runtime import metrics
from tests.fix_log import begin

ROUTE = "GET /segment/user/{user_id}"


@pytest.fixture
def sampled(monkeypatch):
    """Write one line in ten of ordinary requests, in an environment that is not new."""
    monkeypatch.setattr(runtime_log, "PERCENT", 10)
    monkeypatch.setattr(runtime_log, "_environment_is_new", False)


@pytest.fixture
def draw(sampled, monkeypatch):
    """Let every draw keep a line, or leave it out."""
    return lambda *, kept: monkeypatch.setattr(random, "random", lambda: 0.099 if kept else 0.1)


def test_a_kept_line_counts_for_the_requests_that_it_stands_for(draw, log):
    draw(kept=True)

    begin().end_request(ROUTE, 200)

    assert log.lines[0]["Requests"] == 10


@pytest.mark.parametrize("status", [200, 302, 304])
def test_a_line_that_is_not_drawn_is_left_out(draw, log, status):
    draw(kept=False)

    begin().end_request(ROUTE, status)

    assert log.text == ""


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_the_line_of_an_error_is_always_written_and_counts_once(draw, log, status):
    draw(kept=False)

    begin().end_request(ROUTE, status)

    assert (log.lines[0]["status"], log.lines[0]["Requests"]) == (status, 1)


def test_the_line_of_a_cold_start_is_always_written(draw, log, monkeypatch):
    draw(kept=False)
    monkeypatch.setattr(runtime_log, "_environment_is_new", True)

    begin().end_request(ROUTE, 200)

    assert (log.lines[0]["ColdStarts"], log.lines[0]["Requests"]) == (1, 1)


def test_the_line_of_a_request_that_changes_memberships_is_always_written(draw, log):
    draw(kept=False)
    invocation = begin()
    metrics.count("MembershipsAdded", 2)

    invocation.end_request("POST /segment/user", 200)

    assert (log.lines[0]["MembershipsAdded"], log.lines[0]["Requests"]) == (2, 1)


def test_the_sum_of_requests_is_true_on_average(sampled, log):
    random.seed(20)  # the distribution is tested, not the draw

    for _ in range(10_000):
        begin().end_request(ROUTE, 200)

    assert 900 < len(log.lines) < 1_100
    assert sum(line["Requests"] for line in log.lines) == 10 * len(log.lines)


def test_without_the_setting_every_line_is_written(log):
    for _ in range(100):
        begin().end_request(ROUTE, 200)

    assert [line["Requests"] for line in log.lines] == [1] * 100
