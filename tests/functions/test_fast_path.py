"""The fast path of reading and changing one user's segments gives the same answers as the resolver."""

import json

import pytest

from segmentation.api import fast_path
from segmentation.api.resolver import Api
from segmentation.domain import memberships
from tests.functions.calls import PROBLEM, call, invoke, sample
from tests.functions.factories import add_members, create_segments, memberships_of

READ = {"path": "/segment/user/1"}
CHANGE = {"user_id": 1000, "add_segments": ["AAA"]}


@pytest.fixture
def resolver_calls(monkeypatch):
    calls = []
    resolve = Api._resolve_as_json
    monkeypatch.setattr(Api, "_resolve_as_json", lambda *request: calls.append(request) or resolve(*request))
    return calls


def test_simple_read_is_answered_without_the_resolver(service, resolver_calls):
    answer = call("list_memberships", **READ)

    assert (answer.status, answer.json) == (200, {"segments": []})
    assert resolver_calls == []


def test_query_of_numbers_is_answered_without_the_resolver(service, resolver_calls):
    answer = call("list_events", path="/event", query={"after": "1", "limit": "5"})

    assert (answer.status, answer.json) == (200, {"events": [], "next_after": 1})
    assert resolver_calls == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=5&limit=6", "limit=+5", "limit=", "limit=%35", "after=1&color=2", "after=1&", "after"]
)
def test_other_query_is_answered_by_the_resolver(service, resolver_calls, query):
    call("list_events", path="/event", query=query)

    assert len(resolver_calls) == 1


def test_simple_write_is_answered_without_the_resolver(service, resolver_calls):
    answer = call("change_memberships", {"user_id": 1})

    assert (answer.status, answer.json) == (200, {"segments_added": 0, "segments_deleted": 0})
    assert resolver_calls == []


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"path": "/segment/user/0"}, 422),
        (READ | {"query": {"limit": "5"}}, 422),
        ({"path": "/segment/user/1/"}, 308),
        ({"path": "/segment/user/1/x"}, 404),
    ],
)
def test_other_read_is_answered_by_the_resolver(service, resolver_calls, request_, status):
    answer = call("list_memberships", **request_)

    assert answer.status == status
    assert len(resolver_calls) == 1


@pytest.mark.parametrize(
    ("body", "request_", "status"),
    [
        ({"user_id": 0}, {}, 422),
        ("{", {}, 400),
        ({"user_id": 1}, {"query": {"limit": "5"}}, 422),
        ({"user_id": 1}, {"base64": True}, 200),
        ({"user_id": 1}, {"headers": {"content-encoding": "gzip"}}, 415),
        ({"user_id": 1}, {"headers": {"idempotency-key": "a"}}, 200),
        ({"user_id": 1}, {"headers": {"idempotency-key": "not visible"}}, 422),
    ],
)
def test_other_write_is_answered_by_the_resolver(service, resolver_calls, body, request_, status):
    answer = call("change_memberships", body, **request_)

    assert answer.status == status
    assert len(resolver_calls) == 1


@pytest.mark.parametrize("members", [{"ttl": 0}, {"delete_segments": None, "expires_at": None}])
def test_absent_members_take_the_fast_path_and_mean_the_same(service, monkeypatch, resolver_calls, members):
    create_segments("AAA", "BBB")
    resolver_calls.clear()
    fast = call("change_memberships", {"user_id": 1, "add_segments": ["AAA"]} | members)
    assert resolver_calls == []
    monkeypatch.setattr(fast_path, "_usual_arguments", lambda *_: None)

    resolved = call("change_memberships", {"user_id": 1, "add_segments": ["BBB"]} | members)

    assert fast == resolved
    assert [membership["expires_at"] for membership in memberships_of(1)] == [None, None]


@pytest.mark.parametrize("function", ["list_memberships", "list_events", "change_memberships"])
def test_fast_path_and_resolver_give_the_same_answer(service, monkeypatch, function):
    create_segments("AAA", "BBB")
    add_members("AAA", 1000)
    request = sample(function) | ({"body": json.dumps(CHANGE)} if function == "change_memberships" else {})
    fast = invoke(function, request)
    monkeypatch.setattr(fast_path, "_usual_arguments", lambda *_: None)

    resolved = invoke(function, request)

    assert resolved == fast | {"cookies": []}


def test_fast_path_and_resolver_write_the_same_history(service, monkeypatch, owner):
    create_segments("AAA", "BBB")
    for slug, arguments in (("AAA", fast_path._usual_arguments), ("BBB", lambda *_: None)):
        monkeypatch.setattr(fast_path, "_usual_arguments", arguments)
        call("change_memberships", {"user_id": 1, "add_segments": [slug]}, actor="analyst")

    rows = owner.execute("select history.slug, history.actor, history.reason from history order by history_id")

    assert rows.fetchall() == [("AAA", "analyst", "manual"), ("BBB", "analyst", "manual")]


def test_failure_on_the_fast_path_is_a_problem_without_internals(service, monkeypatch, resolver_calls):
    monkeypatch.setattr(memberships, "list_for_user", lambda *_: 1 / 0)

    answer = call("list_memberships", **READ)

    assert (answer.status, answer.headers["content-type"]) == (500, PROBLEM)
    assert "division" not in answer.text
    assert resolver_calls == []


def test_failure_on_the_fast_path_does_not_affect_later_requests(service, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(memberships, "list_for_user", lambda *_: 1 / 0)
        call("list_memberships", **READ)

    answer = call("list_memberships", **READ, query={"limit": "5"})

    assert (answer.status, answer.locations) == (422, ["query.limit"])


def test_unreachable_database_is_503_on_the_fast_path(unreachable_database):
    answer = call("list_memberships", **READ)

    assert (answer.status, answer.headers["retry-after"]) == (503, "2")


def test_caller_without_a_token_is_refused_before_the_database_is_read(service, monkeypatch):
    monkeypatch.setattr(memberships, "list_for_user", lambda *_: pytest.fail("the database was read"))
    event = sample("list_memberships")
    del event["requestContext"]["authorizer"]

    answer = invoke("list_memberships", event)

    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (401, PROBLEM)
