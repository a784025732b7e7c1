"""The comment of a request: each history row and each change that the request causes shows it."""

import pytest

from tests.functions.calls import call
from tests.functions.factories import (
    add_members,
    change,
    create_segments,
    create_users,
    done,
    history_of,
    patch_membership,
    patch_segment,
    rows,
)
from tests.functions.keys import under

pytestmark = pytest.mark.usefixtures("service")
WHY = "ticket 4711\nasked by mira"


def changes_of(slug, **query):
    return done(call("list_segment_changes", path=f"/segment/{slug}/history", query=query))["changes"]


def shown(user_id):
    return [(each["operation"], each["comment"]) for each in history_of(user_id)]


def stored(owner):
    return [comment for (comment,) in owner.execute("select comment from causes order by cause_id")]


def test_history_shows_the_comment_of_each_change_of_a_user(owner):
    create_segments("AAA", "BBB")

    done(change(1, add=("AAA", "BBB"), comment=WHY))
    done(change(1, delete=("AAA", "BBB")))

    assert shown(1) == [("I", WHY), ("I", WHY), ("D", None), ("D", None)]
    assert stored(owner) == [WHY]


def test_history_shows_the_comment_of_a_changed_lifetime():
    create_segments("AAA")
    add_members("AAA", 1)

    done(patch_membership(1, "AAA", {"ttl": 60, "comment": WHY}))

    assert shown(1) == [("I", None), ("U", WHY)]


def test_history_shows_the_comment_of_a_change_of_many_users(owner):
    create_segments("AAA")
    add_members("AAA", 1)

    body = {"add_users": [2, 3], "delete_users": [1], "comment": WHY}
    done(call("change_segment_users", body, path="/segment/AAA/users"))

    assert [shown(user_id)[-1] for user_id in (1, 2, 3)] == [("D", WHY), ("I", WHY), ("I", WHY)]
    assert stored(owner) == [WHY]


def test_history_and_log_show_the_comment_of_a_new_segment_with_a_percent(owner):
    create_users(1, 2)

    done(call("create_segment", {"slug": "AAA", "user_percent": 100, "comment": WHY}))

    assert (shown(1), shown(2)) == ([("I", WHY)], [("I", WHY)])
    [created] = changes_of("AAA")
    assert (created["comment"], created["users_added"]) == (WHY, 2)
    assert stored(owner) == [WHY]


def test_history_and_log_show_the_comment_of_a_changed_percent():
    create_users(1)
    done(call("create_segment", {"slug": "AAA", "user_percent": 100}))

    done(patch_segment("AAA", {"user_percent": 0, "comment": WHY}))

    assert shown(1) == [("I", None), ("D", WHY)]
    assert changes_of("AAA")[0]["comment"] == WHY


def test_user_whom_a_percent_enrols_later_has_no_comment():
    done(call("create_segment", {"slug": "AAA", "user_percent": 100, "comment": WHY}))

    create_users(1)

    assert shown(1) == [("I", None)]


def test_history_and_log_show_the_comment_of_a_deletion():
    create_segments("AAA")
    add_members("AAA", 1)

    done(call("delete_segment", {"slug": "AAA", "comment": WHY}))

    assert shown(1) == [("I", None), ("D", WHY)]
    deleted, created = changes_of("AAA")
    assert (deleted["change"], deleted["comment"], deleted["users_deleted"]) == ("deleted", WHY, 1)
    assert created["comment"] is None


def test_refused_request_stores_no_comment(owner):
    create_segments("AAA")
    before = rows(owner)

    assert change(1, add=("AAA", "NONE"), comment=WHY).status == 404
    assert call("create_segment", {"slug": "AAA", "comment": WHY}).status == 409

    assert (rows(owner), stored(owner)) == (before, [])


def test_request_that_changes_nothing_stores_no_comment(owner):
    create_segments("AAA")
    add_members("AAA", 1)

    done(change(1, add=("AAA",), comment=WHY))
    done(patch_segment("AAA", {"description": None, "comment": WHY}))

    assert stored(owner) == []


@pytest.mark.parametrize("function", ["change_memberships", "change_segment_users"])
def test_request_repeated_under_its_key_stores_its_comment_once(owner, function):
    create_segments("AAA")
    body = {
        "change_memberships": {"user_id": 1, "add_segments": ["AAA"], "comment": WHY},
        "change_segment_users": {"add_users": [1], "comment": WHY},
    }[function]
    path = {"change_segment_users": "/segment/AAA/users"}.get(function)

    for _ in range(2):
        done(call(function, body, path=path, headers=under("key")))

    assert (stored(owner), shown(1)) == ([WHY], [("I", WHY)])


def test_null_is_no_comment(owner):
    create_segments("AAA")

    done(change(1, add=("AAA",), comment=None))

    assert (shown(1), stored(owner)) == ([("I", None)], [])


def test_comment_in_any_script_is_shown_as_it_was_sent():
    create_segments("AAA")
    text = "заявка №4711 🙂 \u202eabc 'x' {} %s \\n"

    done(change(1, add=("AAA",), comment=text))

    assert shown(1) == [("I", text)]
