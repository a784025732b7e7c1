"""CORS of the local gateway, and of the same template on AWS."""

import pytest

ORIGIN = "https://app.example.com"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
ALLOWED = "access-control-allow-origin"


@pytest.mark.parametrize("path", ["/guarded/it", "/show/it", "/read", "/nowhere"])
def test_preflight_needs_no_token_and_reaches_no_function(gateway, path):
    answer = gateway.client.options(path, headers={"Origin": ORIGIN, **ASKED})

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers[ALLOWED] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "GET,POST"
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type"
    assert answer.headers["access-control-max-age"] == "600"


def test_preflight_of_another_origin_permits_nothing(gateway):
    answer = gateway.client.options("/guarded/it", headers={"Origin": "https://evil.example", **ASKED})

    assert answer.status_code == 204
    assert [name for name in answer.headers if name.startswith("access-control-")] == []


def test_answer_permits_the_page_to_read_it_and_the_named_headers(gateway):
    answer = gateway.client.get("/show/it", headers={"Origin": "https://other.example.com"})

    assert answer.headers[ALLOWED] == "https://other.example.com"
    assert answer.headers["access-control-expose-headers"] == "x-request-id"


def test_refusal_of_the_authorizer_can_be_read_by_the_page(gateway):
    answer = gateway.client.post("/guarded/it", headers={"Origin": ORIGIN})

    assert (answer.status_code, answer.headers[ALLOWED]) == (401, ORIGIN)


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "https://app.example.com.evil"}]
)
def test_answer_to_another_caller_has_no_cors_headers(gateway, headers):
    answer = gateway.client.get("/show/it", headers=headers)

    assert [name for name in answer.headers if name.startswith("access-control-")] == []


def test_options_that_is_no_preflight_is_a_request(gateway):
    assert gateway.show("OPTIONS")["event"]["requestContext"]["http"]["method"] == "OPTIONS"
