"""The log: one JSON line an event."""

import io
import json

import pytest

from segmentation import api
from segmentation.telemetry import logger

EVENT = {
    "headers": {"authorization": "Bearer not-a-secret", "user-agent": "x"},
    "rawPath": "/segment/user/424242",
    "rawQueryString": "cursor=SECRET",
    "queryStringParameters": {"cursor": "SECRET"},
    "body": '{"slug": "SECRET"}',
    "requestContext": {"requestId": "request-1", "routeKey": "GET /segment/user/{user_id}"},
}


@pytest.fixture
def log():
    text = io.StringIO()
    before = logger.registered_handler.setStream(text)
    yield text
    logger.registered_handler.setStream(before)


def test_request_is_one_line_of_json(log):
    api._log(EVENT, 200, 0.01234)

    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["service"], line["level"], line["request_id"]) == ("segmentation", "INFO", "request-1")
    assert (line["route"], line["status"], line["duration_ms"]) == ("GET /segment/user/{user_id}", 200, 12.3)


def test_request_is_logged_without_body_query_path_or_token(log):
    api._log(EVENT, 200, 0.01)

    assert not [word for word in ("SECRET", "not-a-secret", "424242") if word in log.getvalue()]


def test_timestamps_of_the_log_are_in_utc(log):
    logger.info("now")

    assert json.loads(log.getvalue())["timestamp"].endswith(("+00:00", "Z"))


def test_line_feed_in_a_value_does_not_begin_a_line(log):
    logger.info('a\r\n{"level":"ERROR"}')

    assert len(log.getvalue().splitlines()) == 1
