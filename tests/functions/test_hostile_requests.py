"""Hostile requests to every route of the template: they are refused as the contract says, and change nothing.

Each test sends all of its requests and then names those with an unexpected answer.
"""

import importlib
import json
from urllib.parse import quote

import pytest

from segmentation.contract.responses import JSON
from tests.fingerprint import fingerprint
from tests.functions.calls import NO_BODY, OFREP, PROBLEM, call
from tests.functions.factories import add_members, create_segments
from tests.hostile import BODIES, FREE_TEXTS, QUERIES
from tests.template_routes import ROUTES, name_of

pytestmark = pytest.mark.usefixtures("callers_stand")
EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES, ids=name_of)
MARKS = ("MARKED-TEXT", "eyJNQVJLRUQ", "X-Amz-Signature", "drop table", "jndi")


def takes_a_body(route):
    app = importlib.import_module(f"functions.{route.function}.app").app
    handlers = app.routes()
    [handler] = [each for each in handlers if (each.method, each.openapi_path) == (route.method, route.path)]
    return bool(handler.dependant.body_params)


WITH_PLACEHOLDER = pytest.mark.parametrize("route", [each for each in ROUTES if each.placeholders], ids=name_of)
WITH_BODY = pytest.mark.parametrize("route", [each for each in ROUTES if takes_a_body(each)], ids=name_of)
WITHOUT_BODY = pytest.mark.parametrize("route", [each for each in ROUTES if not takes_a_body(each)], ids=name_of)


@pytest.fixture(autouse=True, scope="module")
def members(shared_service):
    """Create data that a request could change: users 1 and 2 in a segment."""
    create_segments("AAA")
    add_members("AAA", 1, 2)
    return shared_service


@pytest.fixture(autouse=True)
def storage(monkeypatch):
    """The names of the bucket and its region, which the policy of the console has."""
    monkeypatch.setenv("REPORTS_BUCKET", "reports")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")


@pytest.fixture(autouse=True)
def nothing_changed(members):
    before = fingerprint(members)
    yield
    assert fingerprint(members) == before


def send(route, body=NO_BODY, *, path=None, **request):
    """Send a request to a route. Without a path, it names something that does not exist."""
    return call(route.function, body, method=route.method, path=path or route.unknown, **request)


def unexpected(route, answers, *statuses):
    """Return the answers that are no problem document with one of these statuses, or no error of OFREP."""
    expected = {(status, PROBLEM) for status in statuses}
    if route.function in OFREP:
        expected = {(400, JSON), (404, JSON)}
    return {
        name: (answer.status, answer.text[:200])
        for name, answer in answers.items()
        if (answer.status, answer.headers["content-type"]) not in expected
    }


@WITH_PLACEHOLDER
@pytest.mark.parametrize("encode", [str, quote], ids=["plain", "encoded"])
def test_hostile_text_in_a_path_is_refused(route, encode):
    body = {"ttl": 60} if route.function == "update_membership" else NO_BODY

    answers = {name: send(route, body, path=route.filled(encode(text))) for name, text in FREE_TEXTS.items()}

    assert unexpected(route, answers, 404, 422) == {}


@EVERY_ROUTE
def test_hostile_query_is_refused(route):
    answers = {name: send(route, query=query) for name, query in QUERIES.items()}

    assert unexpected(route, answers, 422) == {}


@WITH_BODY
@pytest.mark.parametrize("status", [400, 413, 422])
def test_hostile_body_is_refused(route, status):
    bodies = {name: body for name, (body, expected) in BODIES.items() if expected == status}

    encoded = {name: send(route, body) for name, body in bodies.items()}
    plain = {name: send(route, body.decode()) for name, body in bodies.items() if is_utf_8(body)}

    assert unexpected(route, encoded, status) == {}
    assert unexpected(route, plain, status) == {}


def is_utf_8(body):
    return "\ufffd" not in body.decode("utf-8", "replace")


@WITH_BODY
@pytest.mark.parametrize("body", ["*", "A", "e30", "e30=!", "é", "\ud800"])
def test_broken_base64_is_400(route, body):
    answer = send(route, body, broken_base64=True)

    assert unexpected(route, {body: answer}, 400) == {}


@WITHOUT_BODY
def test_route_without_a_body_ignores_a_hostile_one_if_it_reads_and_refuses_it_if_it_writes(route):
    expected = send(route).status if route.method in {"GET", "HEAD"} else 422

    answers = {send(route, body).status for body, _ in BODIES.values()}

    assert answers == {expected}


@pytest.mark.parametrize("route", [each for each in ROUTES if each.method == "GET"], ids=name_of)
def test_hostile_accept_header_is_answered_below_500(route):
    accepts = ("", "\x00", "text/csv;q=1e400", "text/csv;q=nan", ",;=", "é", "*/*;q=" + "9" * 5000, "text/csv," * 1000)

    statuses = {send(route, headers={"accept": accept}).status for accept in accepts}

    assert statuses <= {200, 302, 404, 422}


@EVERY_ROUTE
def test_log_of_hostile_requests_is_json_lines_without_their_text(route, log):
    secrets = {
        "authorization": "Bearer eyJNQVJLRUQ.e30.c2ln",
        "x-marked": "MARKED-TEXT\r\n{}",
        "user-agent": "MARKED-TEXT",
    }

    for text in ("MARKED-TEXT", 'MARKED-TEXT\r\n{"level": "ERROR"}', FREE_TEXTS["SQL to run"], FREE_TEXTS["template"]):
        send(route, json.dumps({"slug": text, "description": text}), query=f"x={quote(text)}", headers=secrets)
        send(route, text, path=route.filled(text))

    assert [line["level"] for line in log.lines] == ["INFO"] * 8
    assert not [mark for mark in MARKS if mark in log.text]
