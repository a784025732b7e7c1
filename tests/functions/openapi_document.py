"""The published OpenAPI document, and a check of every answer against it."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"


def assert_documented(method: str, path: str, status: int, content_type: str) -> None:
    """Check the status and the media type of an answer. An unknown route is not in the document."""
    operation = operation_at(method, path)
    if operation is None:
        return
    assert str(status) in operation["responses"], f"{operation['operationId']} does not document {status}"
    media_types = answer_of(operation, status).get("content", {})
    assert not media_types or content_type.partition(";")[0] in media_types


def operation_at(method: str, path: str) -> dict[str, Any] | None:
    """Return the operation of the matching path with the fewest placeholders, as API Gateway does."""
    matching = [(pattern, item) for pattern, item in paths() if pattern.fullmatch(path) and method.lower() in item]
    found = max(matching, key=lambda each: len(each[0].pattern.replace("[^/]+", "")), default=None)
    return found[1][method.lower()] if found else None


def answer_of(operation: dict[str, Any], status: int) -> dict[str, Any]:
    answer = operation["responses"][str(status)]
    return document()["components"]["responses"][answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer


@cache
def document() -> dict[str, Any]:
    return json.loads(DOCUMENT.read_text("utf-8"))


@cache
def paths() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), item) for path, item in document()["paths"].items()]
