"""The read of one user's segments: its short way answers as the resolver would."""

import pytest

from functions.list_memberships.app import app
from segmentation import memberships
from segmentation.api import Api
from tests.functions.calls import PROBLEM, call, invoke, sample
from tests.functions.factories import add_members, create_segments

HOT = {"path": "/segment/user/1"}


@pytest.fixture
def resolver_calls(monkeypatch):
    calls = []
    resolve = Api._resolve_as_json
    monkeypatch.setattr(Api, "_resolve_as_json", lambda *request: calls.append(request) or resolve(*request))
    return calls


def test_usual_request_is_answered_without_the_resolver(service, resolver_calls):
    answer = call("list_memberships", **HOT)

    assert (answer.status, answer.json) == (200, {"segments": []})
    assert resolver_calls == []


@pytest.mark.parametrize(
    "request_", [{"path": "/segment/user/0"}, HOT | {"query": {"limit": "5"}}, {"path": "/segment/user/1/"}]
)
def test_unusual_request_is_left_to_the_resolver(service, resolver_calls, request_):
    answer = call("list_memberships", **request_)

    assert (answer.status, answer.headers["content-type"]) in {(422, PROBLEM), (404, PROBLEM)}
    assert len(resolver_calls) == 1


def test_both_ways_give_the_same_answer(service, monkeypatch):
    create_segments("AAA", "BBB")
    add_members("AAA", 1000)
    short = invoke("list_memberships", sample("list_memberships"))
    monkeypatch.setattr(app, "_usual_arguments", lambda event: None)

    long = invoke("list_memberships", sample("list_memberships"))

    assert long == short | {"cookies": []}


def test_failure_on_the_short_way_is_a_problem_without_internals(service, monkeypatch, resolver_calls):
    monkeypatch.setattr(memberships, "list_for_user", lambda *_: 1 / 0)

    answer = call("list_memberships", **HOT)

    assert (answer.status, answer.headers["content-type"]) == (500, PROBLEM)
    assert "division" not in answer.text
    assert resolver_calls == []


def test_failure_on_the_short_way_leaves_nothing_to_later_requests(service, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(memberships, "list_for_user", lambda *_: 1 / 0)
        call("list_memberships", **HOT)

    answer = call("list_memberships", **HOT, query={"limit": "5"})

    assert (answer.status, answer.locations) == (422, ["query.limit"])


def test_database_that_is_away_is_503_at_the_first_try(away):
    answer = call("list_memberships", **HOT)

    assert (answer.status, answer.headers["retry-after"]) == (503, "2")


def test_caller_without_a_token_is_refused_before_anything_is_read(service, monkeypatch):
    monkeypatch.setattr(memberships, "list_for_user", lambda *_: pytest.fail("it was read"))
    event = sample("list_memberships")
    del event["requestContext"]["authorizer"]

    answer = invoke("list_memberships", event)

    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (401, PROBLEM)
