"""Call a warm handler in this process, as Lambda does."""

import importlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from segmentation.database import connection
from segmentation.runtime.log import output

EVENTS = Path(__file__).parent.parent / "events"


class CallFailed(Exception):
    """A handler did not return a success status."""


@contextmanager
def serving(url: str) -> Iterator[None]:
    """Connect the handlers to a database until the block ends, and discard their log."""
    os.environ["DATABASE_URL"] = url
    with Path(os.devnull).open("w") as nowhere:
        before = output.setStream(nowhere)
        try:
            yield
        finally:
            output.setStream(before)
            connection.close()


def caller(function: str, path: str = "") -> Callable[..., dict[str, Any]]:
    """Return a function that calls a handler with a body, or with a value for {} in its path."""
    handler = importlib.import_module(f"functions.{function}.app").handler
    sample = json.loads((EVENTS / f"{function}.json").read_text("utf-8"))

    def call(in_path: object = "", body: object = None, query: dict[str, str] | None = None) -> dict[str, Any]:
        event = sample | {"isBase64Encoded": False}
        if query is not None:
            event |= {"rawQueryString": urlencode(query), "queryStringParameters": query}
        if path:
            http = sample["requestContext"]["http"] | {"path": path.format(in_path)}
            event |= {"rawPath": path.format(in_path), "requestContext": sample["requestContext"] | {"http": http}}
            event["pathParameters"] = dict.fromkeys(sample.get("pathParameters", ()), str(in_path))
        if body is not None:
            event["body"] = json.dumps(body)
        answer: dict[str, Any] = handler(event, None)
        if answer["statusCode"] >= 300:
            raise CallFailed(f"{function}: {answer['statusCode']} {answer['body']}")
        return answer

    return call
