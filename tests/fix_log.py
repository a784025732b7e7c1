"""The log of the service, and a request with confidential data."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from segmentation.runtime import log as runtime_log
from segmentation.runtime.log import Invocation, output


class Log:
    """The lines of the log."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    stream = io.StringIO()
    before = output.setStream(stream)
    yield Log(stream)
    output.setStream(before)


def begin(**headers: str) -> Invocation:
    """Begin a request with data that must not be in the log."""
    event = {
        "headers": {"user-agent": "x", **headers},
        "rawPath": "/segment/user/424242",
        "rawQueryString": "cursor=SECRET",
        "queryStringParameters": {"cursor": "SECRET"},
        "body": '{"slug": "SECRET"}',
        "requestContext": {"requestId": "request-1", "routeKey": "GET /segment/user/{user_id}"},
    }
    return runtime_log.begin_request(event, None)
