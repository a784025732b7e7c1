"""The routes of one segment. test_lists tests the lists."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.functions.calls import call
from tests.functions.factories import (
    add_members,
    change,
    create_segments,
    done,
    get_segment,
    patch_segment,
    rows,
    slugs_of,
    users_in,
)

pytestmark = pytest.mark.usefixtures("service")


def delete_by_body(slug):
    return call("delete_segment", {"slug": slug}, path="/segment")


def delete_by_path(slug):
    return call("delete_segment", path=f"/segment/{slug}")


BOTH_WAYS = pytest.mark.parametrize("delete", [delete_by_body, delete_by_path], ids=["body", "path"])


def test_created_segment_is_shown():
    answer = call("create_segment", {"slug": "AVITO_DISCOUNT_30", "description": "30 % off\r\n\tfor новые"})

    created_at = answer.json.pop("created_at")
    assert answer.status == 201
    assert answer.json | {"created_at": created_at} == {
        "slug": "AVITO_DISCOUNT_30",
        "user_percent": None,
        "description": "30 % off\r\n\tfor новые",
        "owner": None,
        "created_at": created_at,
        "users_added": 0,
    }


def test_instants_are_in_utc_and_end_in_z():
    created_at = call("create_segment", {"slug": "AAA"}).json["created_at"]

    assert created_at.endswith("Z")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(created_at)) < timedelta(minutes=1)


@pytest.mark.parametrize("slug", ["A-1", "0.x", "a" * 255, "User", "users", "A_.-"])
def test_slug_within_the_grammar_is_accepted(slug):
    answer = call("create_segment", {"slug": slug})

    assert answer.status == 201
    assert get_segment(slug).json["slug"] == slug


def test_slugs_are_case_sensitive():
    create_segments("AAA", "aaa")

    add_members("aaa", 1)

    assert (get_segment("AAA").json["members"], get_segment("aaa").json["members"]) == (0, 1)


def test_taken_slug_is_409_naming_it(owner):
    create_segments("AAA")

    answer = call("create_segment", {"slug": "AAA"})

    assert answer.status == 409
    assert answer.json["slugs"] == ["AAA"]
    assert rows(owner)[1] == 1


def test_members_are_counted_exactly():
    create_segments("AAA")
    add_members("AAA", 1, 2, 3)
    done(change(2, delete=("AAA",)))

    assert get_segment("AAA").json["members"] == 2


BELOW = {
    "list_segment_users": "/users",
    "list_segment_changes": "/history",
    "list_steps": "/schedule",
    "cancel_steps": "/schedule",
}


@pytest.mark.parametrize("function", ["get_segment", "delete_segment", *BELOW])
def test_unknown_segment_is_404_naming_it(function):
    answer = call(function, path=f"/segment/NONE{BELOW.get(function, '')}")

    assert answer.status == 404
    assert answer.json["slugs"] == ["NONE"]


def test_changing_an_unknown_segment_is_404_naming_it():
    answer = patch_segment("NONE", {"description": "x"})

    assert (answer.status, answer.json["slugs"]) == (404, ["NONE"])


def test_deleting_an_unknown_segment_by_body_is_404_naming_it():
    answer = delete_by_body("NONE")

    assert (answer.status, answer.json["slugs"]) == (404, ["NONE"])


def test_renamed_segment_keeps_its_members():
    create_segments("AAA")
    add_members("AAA", 1)

    answer = patch_segment("AAA", {"slug": "BBB"})

    assert (answer.status, answer.json["slug"]) == (200, "BBB")
    assert slugs_of(1) == ["BBB"]


def test_old_slug_of_a_renamed_segment_can_be_used_again():
    create_segments("AAA")
    done(patch_segment("AAA", {"slug": "BBB"}))

    assert get_segment("AAA").status == 404
    assert call("create_segment", {"slug": "AAA"}).status == 201


def test_renaming_to_a_taken_slug_is_409_naming_it():
    create_segments("AAA", "BBB")

    answer = patch_segment("AAA", {"slug": "BBB"})

    assert (answer.status, answer.json["slugs"]) == (409, ["BBB"])
    assert get_segment("AAA").status == 200


def test_renaming_to_the_same_slug_is_no_conflict():
    create_segments("AAA")

    assert patch_segment("AAA", {"slug": "AAA"}).status == 200


def test_description_is_set_and_the_slug_stays():
    create_segments("AAA")

    answer = patch_segment("AAA", {"description": "new"})

    assert (answer.json["slug"], answer.json["description"]) == ("AAA", "new")


def test_renaming_keeps_the_description():
    done(call("create_segment", {"slug": "AAA", "description": "kept"}))

    assert patch_segment("AAA", {"slug": "BBB"}).json["description"] == "kept"


def test_null_clears_the_description():
    done(call("create_segment", {"slug": "AAA", "description": "old"}))

    answer = patch_segment("AAA", {"description": None})

    assert answer.json["description"] is None
    assert get_segment("AAA").json["description"] is None


def test_owner_is_set_shown_and_cleared():
    assert done(call("create_segment", {"slug": "AAA", "owner": "growth"}))["owner"] == "growth"
    assert get_segment("AAA").json["owner"] == "growth"

    assert patch_segment("AAA", {"owner": None}).json["owner"] is None
    assert get_segment("AAA").json["owner"] is None


def test_change_that_names_other_members_keeps_the_owner():
    done(call("create_segment", {"slug": "AAA", "owner": "growth"}))

    assert patch_segment("AAA", {"slug": "BBB"}).json["owner"] == "growth"


def test_change_that_changes_nothing_keeps_updated_at():
    create_segments("AAA")
    before = get_segment("AAA").json["updated_at"]

    assert patch_segment("AAA", {"description": None}).json["updated_at"] == before


def test_change_sets_updated_at_and_keeps_created_at():
    create_segments("AAA")
    before = get_segment("AAA").json

    after = patch_segment("AAA", {"description": "new"}).json

    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] > before["updated_at"]


@pytest.mark.parametrize("body", [{}, {"comment": "ticket 4711"}])
def test_change_without_a_member_is_422(body):
    create_segments("AAA")

    answer = patch_segment("AAA", body)

    assert (answer.status, answer.locations) == (422, ["body"])


@BOTH_WAYS
def test_deleting_a_segment_answers_ok(delete):
    create_segments("AAA")

    answer = delete("AAA")

    assert (answer.status, answer.json) == (200, {"message": "ok"})
    assert get_segment("AAA").status == 404


@BOTH_WAYS
def test_deleting_a_segment_removes_it_from_its_members(delete):
    create_segments("AAA", "BBB")
    done(change(1, add=("AAA", "BBB")))

    done(delete("AAA"))

    assert slugs_of(1) == ["BBB"]


@BOTH_WAYS
def test_deleting_a_segment_writes_each_removal_into_the_history(delete, owner):
    create_segments("AAA")
    add_members("AAA", 1, 2)

    done(delete("AAA"))

    exits = owner.execute("select user_id, slug, reason from history where action_id = 2 order by user_id").fetchall()
    assert exits == [(1, "AAA", "segment_deleted"), (2, "AAA", "segment_deleted")]


def test_deleted_segment_is_404_when_deleted_again():
    create_segments("AAA")
    done(delete_by_body("AAA"))

    assert delete_by_path("AAA").status == 404


def test_deleted_slug_created_again_has_none_of_the_old_members():
    create_segments("AAA")
    add_members("AAA", 1, 2)
    done(delete_by_body("AAA"))

    create_segments("AAA")

    assert (users_in("AAA"), slugs_of(1), get_segment("AAA").json["members"]) == ([], [], 0)


def test_history_of_a_deleted_segment_stays_when_its_slug_is_created_again(owner):
    create_segments("AAA")
    add_members("AAA", 1)
    done(delete_by_body("AAA"))
    before = owner.execute("select * from history order by history_id").fetchall()

    create_segments("AAA")

    assert owner.execute("select * from history order by history_id").fetchall() == before
