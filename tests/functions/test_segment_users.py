"""POST /segment/{slug}/users: many users of one segment, in one transaction."""

import pytest

from tests.functions.calls import PROBLEM, as_text, call
from tests.functions.factories import add_members, create_segments, done, history_of, rows, users_in
from tests.functions.keys import KEY, is_replayed, under

pytestmark = pytest.mark.usefixtures("service")
MOST = 10_000
INVALID = [
    pytest.param({}, "body", id="nothing"),
    pytest.param({"add_users": [], "delete_users": []}, "body", id="empty-lists"),
    pytest.param({"add_users": [1], "delete_users": [2, 1]}, "body", id="in-both"),
    pytest.param({"add_users": [1] * MOST, "delete_users": [2]}, "body", id="10001-together"),
    pytest.param({"add_users": [1] * (MOST + 1)}, "body.add_users", id="10001-to-add"),
    pytest.param({"delete_users": [1] * (MOST + 1)}, "body.delete_users", id="10001-to-delete"),
    pytest.param({"add_users": 1}, "body.add_users", id="no-list"),
    pytest.param({"add_users": [1, None]}, "body.add_users.1", id="null"),
    pytest.param({"add_users": [1], "ttl": 0}, "body.ttl", id="ttl-0"),
    pytest.param({"add_users": [1], "ttl": 60, "expires_at": "2099-01-01T00:00:00Z"}, "body", id="two-lifetimes"),
    pytest.param({"add_users": [1], "expires_at": "2020-01-01T00:00:00Z"}, "body.expires_at", id="over"),
    pytest.param({"add_users": [1], "user_id": 1}, "body.user_id", id="unknown-member"),
]


def change_users(body, slug="AAA", **sender):
    return call("change_segment_users", body, path=f"/segment/{slug}/users", **sender)


def test_answer_counts_real_changes_only():
    create_segments("AAA")
    add_members("AAA", 1, 2)

    answer = change_users({"add_users": [1, 3, 4], "delete_users": [2, 5]})

    assert done(answer) == {"users_added": 2, "users_deleted": 1}
    assert users_in("AAA") == [1, 3, 4]


def test_ten_thousand_users_enter_and_leave():
    create_segments("AAA")
    users = [*range(1, MOST + 1)]

    assert done(change_users({"add_users": users})) == {"users_added": MOST, "users_deleted": 0}
    assert done(change_users({"delete_users": users})) == {"users_added": 0, "users_deleted": MOST}


def test_ids_of_every_size_enter():
    create_segments("AAA")

    done(change_users(as_text({"add_users": [2**63 - 1, 1, 2**53 + 1]})))

    assert users_in("AAA") == [1, 2**53 + 1, 2**63 - 1]


def test_history_names_the_caller():
    create_segments("AAA")

    done(change_users({"add_users": [1]}, actor="mira"))

    assert [(row["operation"], row["reason"], row["actor"]) for row in history_of(1)] == [("I", "manual", "mira")]


def test_unknown_segment_is_404_and_changes_nothing(owner):
    before = rows(owner)

    answer = change_users({"add_users": [1]}, slug="UNKNOWN")

    assert (answer.status, answer.json["slugs"]) == (404, ["UNKNOWN"])
    assert rows(owner) == before


@pytest.mark.parametrize(("body", "location"), INVALID)
def test_invalid_request_names_the_member_and_changes_nothing(owner, body, location):
    create_segments("AAA")
    before = rows(owner)

    answer = change_users(body)

    assert (answer.status, answer.headers["content-type"], answer.locations) == (422, PROBLEM, [location])
    assert rows(owner) == before


def test_problem_names_the_users_in_both_lists():
    create_segments("AAA")

    answer = change_users({"add_users": [1, 2, 3], "delete_users": [3, 2]})

    assert answer.json["errors"][0]["message"].endswith("in both add_users and delete_users: 2, 3")


def test_same_key_changes_the_users_once():
    create_segments("AAA")
    first = change_users({"add_users": [1]}, headers=under(KEY))
    done(change_users({"delete_users": [1]}))

    again = change_users({"add_users": [1]}, headers=under(KEY))

    assert is_replayed(again)
    assert again.text == first.text
    assert users_in("AAA") == []
