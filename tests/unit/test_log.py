"""The log: one JSON line for each event and each invocation. A request cannot forge a line."""

import time
from datetime import datetime, timedelta

import pytest

from segmentation.runtime import log as runtime_log
from segmentation.runtime.log import logger
from tests.fix_log import begin

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def test_a_request_is_one_line_of_json(log):
    started = time.monotonic()
    begin().end_request("GET /segment/user/{user_id}", 200)
    longest_ms = 1000 * (time.monotonic() - started)

    [line] = log.lines
    assert (line["service"], line["level"], line["request_id"]) == ("segmentation", "INFO", "request-1")
    assert (line["message"], line["route"], line["status"]) == ("request", "GET /segment/user/{user_id}", 200)
    assert 0 <= line["duration_ms"] <= longest_ms + 1  # it is rounded


def test_a_request_is_logged_without_body_query_path_or_token(log):
    begin(authorization="Bearer not-a-secret").end_request("GET /segment/user/{user_id}", 200)

    assert not [word for word in ("SECRET", "not-a-secret", "424242") if word in log.text]


def test_the_line_of_a_request_names_its_caller_if_there_is_one(log):
    begin().end_request("GET /segment", 200, "mira@example.com")
    begin().end_request("GET /health", 200)

    assert [line.get("subject", "none") for line in log.lines] == ["mira@example.com", "none"]


def test_a_failed_request_is_an_error(log):
    begin().end_request("GET /health", 503)

    assert log.lines[0]["level"] == "ERROR"


def test_only_the_first_invocation_of_an_environment_is_a_cold_start(log, monkeypatch):
    monkeypatch.setattr(runtime_log, "_environment_is_new", True)

    for _ in range(2):
        begin().end_request("GET /health", 200)

    assert [line["cold_start"] for line in log.lines] == [True, False]


def test_the_callers_id_is_in_every_line_of_the_request(log):
    invocation = begin(traceparent=TRACEPARENT)
    logger.warning("meanwhile")

    invocation.end_request("GET /health", 200)

    assert [(line["request_id"], line["correlation_id"]) for line in log.lines] == [("request-1", TRACE)] * 2


def test_the_ids_of_a_request_do_not_reach_the_next_invocation(log):
    begin(traceparent=TRACEPARENT)

    runtime_log.Invocation(None)
    logger.info("later")

    assert not {"request_id", "correlation_id"} & log.lines[0].keys()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"traceparent": TRACEPARENT, "x-request-id": "b"}, TRACE),
        ({"traceparent": f"00-{'0' * 32}-b7ad6b7169203331-01"}, None),
        ({"traceparent": "00-nonsense", "x-request-id": "ours:42"}, "ours:42"),
        ({"x-request-id": 'a"\r\n{"level":"ERROR"}'}, None),
        ({"x-request-id": "JKJaXmPLvHcESHA="}, "JKJaXmPLvHcESHA="),  # an id of API Gateway
        ({"x-request-id": "a" * 65}, None),
        ({"x-request-id": "token with spaces"}, None),
    ],
)
def test_the_callers_id_is_accepted_only_if_it_is_well_formed(headers, expected):
    assert runtime_log.correlation_id(headers) == expected


def test_a_handler_without_a_route_writes_its_line(log):
    runtime_log.observed("sweep")(lambda event, context: "done")({}, None)

    [line] = log.lines
    assert (line["message"], line["function"], line["level"]) == ("invocation", "sweep", "INFO")


def test_a_handler_that_raises_writes_its_line_and_raises(log):
    with pytest.raises(ZeroDivisionError):
        runtime_log.observed("sweep")(lambda event, context: 1 / 0)({}, None)

    assert log.lines[0]["level"] == "ERROR"


def test_a_handler_that_returns_a_failure_logs_an_error(log):
    runtime_log.observed("sweep", is_failure=bool)(lambda event, context: ["undone"])({}, None)

    assert log.lines[0]["level"] == "ERROR"


def test_timestamps_of_all_lines_are_in_utc(log):
    begin().end_request("GET /health", 200)
    logger.info("now")

    assert [datetime.fromisoformat(line["timestamp"]).utcoffset() for line in log.lines] == [timedelta(0)] * 2


def test_line_feed_in_a_value_does_not_begin_a_line(log):
    logger.info('a\r\n{"level":"ERROR"}')
    begin().end_request('GET /a\r\n{"level":"ERROR"}', 200)

    assert len(log.text.splitlines()) == 2
