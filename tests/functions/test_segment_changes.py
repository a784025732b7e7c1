"""GET /segment/{slug}/history: the change log of a segment, newest first."""

import pytest

from tests.functions.calls import call
from tests.functions.factories import (
    add_members,
    change,
    create_segments,
    create_users,
    done,
    expired_membership,
    get_segment,
    patch_segment,
)

pytestmark = pytest.mark.usefixtures("service")


def ask(slug, **query):
    return call("list_segment_changes", path=f"/segment/{slug}/history", query=query)


def changes_of(slug):
    return done(ask(slug))["changes"]


def delete(slug):
    return done(call("delete_segment", {"slug": slug}))


def test_creation_has_the_members_of_the_contract():
    done(call("create_segment", {"slug": "AAA", "user_percent": 10, "owner": "growth"}))

    [created] = changes_of("AAA")

    assert created == {
        "changed_at": get_segment("AAA").json["created_at"],
        "change": "created",
        "actor": "alice",
        "comment": None,
        "before": None,
        "after": {"slug": "AAA", "user_percent": 10, "owner": "growth"},
        "users_added": 0,
        "users_deleted": 0,
        "job_id": None,
        "step_id": None,
    }


def test_change_has_just_what_changed():
    done(call("create_segment", {"slug": "AAA", "user_percent": 10, "description": "kept"}))

    changed = done(patch_segment("AAA", {"slug": "BBB", "user_percent": 12.5, "description": "kept"}))

    newest = changes_of("BBB")[0]
    assert (newest["change"], newest["changed_at"]) == ("changed", changed["updated_at"])
    assert newest["before"] == {"slug": "AAA", "user_percent": 10}
    assert newest["after"] == {"slug": "BBB", "user_percent": 12.5}


def test_renamed_segment_keeps_its_log_and_the_old_slug_has_none():
    create_segments("AAA")
    done(patch_segment("AAA", {"slug": "BBB"}))

    assert [each["change"] for each in changes_of("BBB")] == ["changed", "created"]
    assert ask("AAA").status == 404


def test_change_of_a_percent_has_its_numbers_of_users():
    create_users(*range(1, 11))
    done(call("create_segment", {"slug": "AAA", "user_percent": 50}))

    done(patch_segment("AAA", {"user_percent": 80}))
    done(patch_segment("AAA", {"user_percent": 0}))

    numbers = [(each["users_added"], each["users_deleted"]) for each in changes_of("AAA")]
    assert numbers == [(0, 8), (3, 0), (5, 0)]


def test_same_percent_once_more_is_no_change():
    create_users(1, 2)
    done(call("create_segment", {"slug": "AAA", "user_percent": 50}))

    done(patch_segment("AAA", {"user_percent": 50}))

    assert len(changes_of("AAA")) == 1


def test_deletion_counts_the_members_whom_it_removed(owner):
    expired_membership(owner)
    add_members("AAA", 2, 3)
    done(change(3, delete=("AAA",)))

    delete("AAA")

    deleted = changes_of("AAA")[0]
    assert (deleted["before"], deleted["after"], deleted["users_deleted"]) == ({"slug": "AAA"}, None, 1)


def test_slug_created_again_has_the_log_of_the_new_segment_alone():
    create_segments("AAA")
    delete("AAA")
    create_segments("AAA")

    assert [each["change"] for each in changes_of("AAA")] == ["created"]


def test_deleted_slug_has_the_log_of_the_last_segment_that_had_it():
    create_segments("AAA")
    delete("AAA")
    done(call("create_segment", {"slug": "AAA", "description": "the last"}))
    delete("AAA")

    assert changes_of("AAA")[0]["before"] == {"slug": "AAA", "description": "the last"}


def test_pages_lead_through_the_whole_log():
    create_segments("AAA")
    for number in range(4):
        done(patch_segment("AAA", {"description": str(number)}))

    found, cursor = [], ""
    while cursor is not None:
        page = done(ask("AAA", limit="2", **({"cursor": cursor} if cursor else {})))
        found.append([(each["after"] or {}).get("description") for each in page["changes"]])
        cursor = page["next_cursor"]

    assert found == [["3", "2"], ["1", "0"], [None]]


def test_page_stays_where_it_is_while_changes_come():
    create_segments("AAA")
    done(patch_segment("AAA", {"description": "first"}))
    cursor = done(ask("AAA", limit="1"))["next_cursor"]

    done(patch_segment("AAA", {"description": "second"}))

    assert [each["change"] for each in done(ask("AAA", cursor=cursor))["changes"]] == ["created"]
