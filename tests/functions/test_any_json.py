"""Arbitrary requests: the answer is a success or a client error, and never a 5xx.

ANY_TIMES multiplies the number of requests: 22 sends fifty thousand.
"""

import json
import os
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.functions.calls import WITH_BODY, call
from tests.functions.factories import add_members, create_segments

TIMES = int(os.environ.get("ANY_TIMES", "1"))
PATHS = {
    "get_segment": "/segment/{}",
    "list_memberships": "/segment/user/{}",
    "delete_user": "/user/{}",
    "list_segment_users": "/segment/{}/users",
    "list_segment_changes": "/segment/{}/history",
    "list_steps": "/segment/{}/schedule",
    "update_membership": "/segment/user/1/{}",
    "list_user_history": "/user/{}/history",
    "delete_account": "/account/{}",
    "update_account": "/account/{}",
}
CHANGES = {"update_membership": {"ttl": 60}, "update_account": {"role": "reader"}}
LISTS = {
    "list_segments": "/segment",
    "list_actions": "/action",
    "list_accounts": "/account",
    "list_user_history": "/user/1/history",
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 1, 2023, 2**31, 2**63 - 1, 2**63, 2**64, 1e400, float("nan")])
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.sampled_from(
        [
            "AAA",
            "BBB",
            "user",
            "added",
            "exposure",
            "csv",
            "2999-01-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "=1+1",
            "\x00",
        ]
    )
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
MEMBERS = (
    "context",
    "targetingKey",
    "user_id",
    "user_ids",
    "slug",
    "description",
    "user_percent",
    "add_segments",
    "delete_segments",
    "ttl",
    "expires_at",
    "name",
    "action",
    "year",
    "month",
    "format",
    "username",
    "password",
    "new_password",
    "role",
)
BODIES = VALUES | st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=5)


@pytest.fixture
def two_segments(service, aws, callers_stand) -> None:
    """Create two segments, and add user 1 to the first."""
    create_segments("AAA", "BBB")
    add_members("AAA", 1)


@pytest.mark.parametrize("function", WITH_BODY)
@settings(
    max_examples=120 * TIMES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # rows of earlier examples may stay
)
@example(body={"user_id": 2**63 - 1, "add_segments": ["AAA"], "expires_at": "9999-12-31T23:59:59Z"})
@example(body={"user_id": 1, "expires_at": "9999-12-31T23:59:59-23:59"})
@example(body={"year": 2023, "month": 8})
@given(body=BODIES)
def test_any_json_is_answered_below_500(two_segments, function, body):
    answer = call(function, json.dumps(body), path=WITH_BODY[function])

    assert 200 <= answer.status < 500, answer.text
    assert answer.json is not None


@settings(max_examples=150 * TIMES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | st.text(st.characters(codec=None), max_size=200))
def test_any_bytes_are_answered_below_500(two_segments, body):
    answer = call("create_segment", body)

    assert 400 <= answer.status < 500, answer.text


@pytest.mark.parametrize("function", PATHS)
@settings(max_examples=60 * TIMES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec=None), max_size=300))
def test_any_path_is_answered_below_500(two_segments, function, text):
    answer = call(function, CHANGES.get(function, ""), path=PATHS[function].format(text))

    assert 200 <= answer.status < 500, answer.text


@pytest.mark.parametrize("function", LISTS)
@settings(max_examples=100 * TIMES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "prefix", "from", "to"]) | st.text(max_size=5),
        st.lists(st.text(max_size=300) | st.integers().map(str), min_size=1, max_size=2),
        max_size=3,
    )
)
def test_any_query_is_answered_below_500(two_segments, function, query):
    answer = call(function, path=LISTS[function], query=urlencode(query, doseq=True))

    assert 200 <= answer.status < 500, answer.text
