"""HEAD on the public pages: the headers of the GET, without its body."""

import base64

import pytest

from tests.functions.calls import Answer, answer_of, call, invoke, sample

PAGES = {
    ("open_docs", "/docs"),
    ("open_console", "/console"),
    ("open_console", "/"),
    ("open_docs", "/swagger/index.html"),
    ("show_openapi", "/openapi.json"),
    ("check_health", "/health"),
}


def ask(method: str, function: str, path: str, **options) -> Answer:
    return call(function, method=method, path=path, **options)


def sent(function: str, path: str, encoding: str) -> int:
    """Return the number of bytes that a GET sends."""
    event = sample(function)
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["routeKey"] = f"GET {path}"
    event["headers"]["accept-encoding"] = encoding
    answer = invoke(function, event)
    body = answer["body"] or ""
    return len(base64.b64decode(body) if answer["isBase64Encoded"] else body.encode())


@pytest.mark.parametrize(("function", "path"), sorted(PAGES))
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_head_has_the_headers_of_the_get_and_no_body(service, function, path, encoding):
    headers = {"accept-encoding": encoding}
    get = ask("GET", function, path, headers=headers)

    head = ask("HEAD", function, path, headers=headers)

    assert (head.status, head.text) == (get.status, "")
    assert head.headers == get.headers | {"content-length": str(sent(function, path, encoding))}


def test_head_of_the_health_without_a_database_is_503_without_a_body(unreachable_database):
    head = ask("HEAD", "check_health", "/health")

    assert (head.status, head.text) == (503, "")


def test_head_with_a_parameter_that_the_get_refuses_is_refused():
    assert ask("HEAD", "open_docs", "/docs", query="limit=5").status == 422


def test_head_with_a_body_is_answered_as_a_get_with_one():
    event = sample("open_docs") | {"body": '{"erase": true}'}
    event["requestContext"]["http"]["method"] = "HEAD"

    assert answer_of(invoke("open_docs", event)).status == 200
