"""Hostile requests through the gateway. They are refused, change nothing, and reveal nothing."""

import http.client
import json
import socket
from urllib.parse import quote

import pytest

from local import ports
from tests.fingerprint import fingerprint
from tests.functions.calls import WITH_BODY
from tests.hostile import BODIES, FREE_TEXTS, QUERIES
from tests.template_routes import ROUTES, name_of

PROBLEM = "application/problem+json"
JSON = "application/json"
BINARY = "application/octet-stream"
MEBIBYTE = 1024 * 1024
ONE_OF_A_KIND = {route.path.rpartition("{")[2]: route for route in ROUTES if route.placeholders == 1}.values()
WRITES = [route for route in ROUTES if route.method in {"POST", "PATCH"} and route.function in WITH_BODY]
PLATFORM = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ")
MARKS = ("MARKED-TEXT", "eyJNQVJLRUQ", "X-Amz-Signature", "drop table", "insert into", "local-secret")


@pytest.fixture
def send(local_run):
    connection = http.client.HTTPConnection(ports.HOST, local_run.port, timeout=60)

    def request(method, path, body=None, **headers):
        """Send a path unchanged, which the libraries for clients do not."""
        connection.request(method, path, body, headers={name.replace("_", "-"): text for name, text in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers["content-type"], answer.read().decode()

    yield request
    connection.close()


@pytest.fixture(autouse=True)
def nothing_changed(owner, segment, change):
    change(1, add_segments=[segment("AAA")]).raise_for_status()
    before = fingerprint(owner)
    yield
    assert fingerprint(owner) == before


def otherwise(answers, *statuses):
    """Return the answers that are no problem document with one of these statuses, and no error of OFREP."""
    return {
        name: answer
        for name, answer in answers.items()
        if (answer[1] != PROBLEM or answer[0] not in statuses) and not is_ofrep_error(*answer)
    }


def is_ofrep_error(status, content_type, body):
    return content_type.startswith(JSON) and status in {400, 404} and "errorCode" in json.loads(body)


@pytest.mark.parametrize("route", ONE_OF_A_KIND, ids=name_of)
def test_hostile_text_in_a_path_is_refused(send, route):
    paths = {name: quote(text, safe="") for name, text in FREE_TEXTS.items()}
    paths |= {f"{name}, half encoded": quote(text, safe="/%") for name, text in FREE_TEXTS.items()}

    answers = {name: send(route.method, route.filled(text)) for name, text in paths.items()}

    assert otherwise(answers, 404, 422) == {}


@pytest.mark.parametrize("suffix", ["/x//", "/.", "/%2e%2e", "%2fx", "%0a", "%00", ";x=1"])
def test_path_that_is_almost_a_route_is_refused(send, suffix):
    answers = {name_of(route): send(route.method, route.unknown + suffix) for route in ROUTES[::3]}

    assert otherwise(answers, 404, 422) == {}


def test_hostile_query_is_refused(send):
    answers = {
        f"{name}, {name_of(route)}": send(route.method, f"{route.unknown}?{query}")
        for route in ROUTES[::3]
        for name, query in QUERIES.items()
    }

    assert otherwise(answers, 422) == {}


@pytest.mark.parametrize("content_type", [JSON, BINARY])
def test_hostile_body_is_refused(send, content_type):
    answers = {
        f"{name}, {name_of(route)}": send(route.method, route.unknown, body, content_type=content_type)
        for route in WRITES[::3]
        for name, (body, _) in BODIES.items()
    }

    assert otherwise(answers, 400, 413, 415, 422) == {}


@pytest.mark.parametrize("mebibytes", [2, 6, 10, 11])
@pytest.mark.parametrize("content_type", [JSON, BINARY])
def test_body_of_many_megabytes_is_413(send, mebibytes, content_type):
    body = b'{"slug": "' + b"A" * mebibytes * MEBIBYTE + b'"}'

    answer = send("POST", "/segment", body, content_type=content_type)

    assert otherwise({mebibytes: answer}, 413) == {}


def test_logs_repeat_nothing_of_what_was_sent_or_signed(send, local_run, this_month):
    secret = {"authorization": "Bearer eyJNQVJLRUQ.e30.c2ln", "x_amz_security_token": "MARKED-TEXT"}
    text = "MARKED-TEXT'); drop table users;--\r\n{}"
    month = "year={year}&month={month}".format_map(this_month)

    assert send("POST", "/segment", json.dumps({"slug": text, "description": text}), **secret)[0] == 422
    assert send("GET", f"/segment?prefix={quote(text)}", **secret)[0] == 422
    _, _, report = send("GET", f"/segment/history/1?{month}", **secret)
    send("GET", f"/segment/reports/{json.loads(report)['report_link'].partition('?')[0].rpartition('/')[2]}", **secret)

    logs = {log.name: log.read_text().splitlines() for log in (local_run.state / "log").glob("[A-Z]*.log")}
    lines = [line for name in logs for line in logs[name]]
    assert [line for line in lines if any(mark in line for mark in MARKS)] == []
    refusals = [line for name in logs if name.startswith("AuthorizeRequest") for line in logs[name]]
    assert [line for line in lines if not (line.startswith(PLATFORM) or is_object(line) or line in refusals)] == []
    assert any('"route":"GET /segment/reports/{file_name}","status":302' in line for line in lines)


def is_object(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


@pytest.mark.parametrize(
    "sent",
    [
        # exactly as many bytes as the server reads: further bytes would reset the connection before the answer is read
        pytest.param(b"GET /".ljust(65_537, b"a"), id="a path too long"),
        pytest.param(b'GET /"two words" HTTP/1.1\r\n\r\n', id="a path of two words"),
    ],
)
def test_invalid_http_is_refused_in_json(local_run, sent):
    with socket.create_connection((ports.HOST, local_run.port), timeout=60) as line:
        line.sendall(sent)
        answer = http.client.HTTPResponse(line)
        answer.begin()

        assert 400 <= answer.status < 500
        assert answer.headers["content-type"] == JSON
        assert json.loads(answer.read()).keys() == {"message"}
