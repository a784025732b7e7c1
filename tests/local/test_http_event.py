"""Events, as AWS's HTTP API makes them."""

import base64

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from local import http_event


def make_event(path="/", **options):
    request = Request(EnvironBuilder(path=path, **options).get_environ())
    return http_event.from_request(request, "ROUTE /key", {})


def test_header_names_are_lower_case():
    event = make_event(headers=[("X-Mixed-Case", "1")])

    assert event["headers"]["x-mixed-case"] == "1"


def test_cookies_are_a_member_of_their_own():
    event = make_event(headers=[("Cookie", "a=1; b=2")])

    assert event["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in event["headers"]


def test_repeated_query_parameters_are_joined():
    event = make_event(query_string="x=1&x=2&y=%C3%A4")

    assert event["rawQueryString"] == "x=1&x=2&y=%C3%A4"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "ä"}


def test_absent_parts_of_a_request_have_no_member():
    event = make_event()

    assert {"body", "cookies", "queryStringParameters", "pathParameters"}.isdisjoint(event)
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "text/csv", "application/xml"])
def test_a_text_body_is_passed_on_unchanged(kind):
    event = make_event(method="POST", data='{"é": 1}'.encode(), content_type=kind)

    assert event["body"] == '{"é": 1}'
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "image/png", None])
def test_a_body_of_another_type_is_in_base64(kind):
    event = make_event(method="POST", data=b"slug=A", content_type=kind)

    assert base64.b64decode(event["body"]) == b"slug=A"
    assert event["isBase64Encoded"] is True


def test_an_invalid_text_is_in_base64_whatever_its_content_type():
    event = make_event(method="POST", data=b"\xff", content_type="application/json")

    assert base64.b64decode(event["body"]) == b"\xff"
    assert event["isBase64Encoded"] is True


def test_a_compressed_body_is_in_base64():
    headers = {"Content-Encoding": "gzip"}

    event = make_event(method="POST", data=b"\x1f\x8b", content_type="application/json", headers=headers)

    assert event["isBase64Encoded"] is True


def test_the_context_describes_the_request():
    event = make_event("/show/it", method="PUT", headers={"User-Agent": "curl/8"})

    context = event["requestContext"]
    assert event["rawPath"] == "/show/it"
    assert context["http"]["method"] == "PUT"
    assert context["http"]["path"] == "/show/it"
    assert context["http"]["userAgent"] == "curl/8"
    assert context["routeKey"] == event["routeKey"] == "ROUTE /key"
    assert context["stage"] == "$default"


def test_every_event_has_a_request_id_of_its_own():
    first, second = make_event(), make_event()

    assert first["requestContext"]["requestId"] != second["requestContext"]["requestId"]
