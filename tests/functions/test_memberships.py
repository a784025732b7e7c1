"""POST /segment/user and GET /segment/user/{user_id}. test_lifetimes tests lifetimes."""

import pytest

from tests.functions.calls import call
from tests.functions.factories import add_members, change, create_segments, create_users, done, memberships_of, slugs_of
from tests.functions.factories import rows as count_rows

pytestmark = pytest.mark.usefixtures("service")


def test_user_enters_the_segments_named():
    create_segments("AAA", "BBB", "CCC")

    answer = change(1000, add=("CCC", "AAA"))

    assert (answer.status, answer.json) == (200, {"segments_added": 2, "segments_deleted": 0})
    assert slugs_of(1000) == ["AAA", "CCC"]


def test_segments_of_a_user_are_ordered_by_slug_and_complete():
    create_segments("b_1", "B_1", "a-1")
    done(change(1, add=("b_1", "B_1", "a-1")))

    listed = memberships_of(1)

    assert [item["slug"] for item in listed] == ["B_1", "a-1", "b_1"]
    assert listed[0].keys() == {"slug", "added_at", "expires_at"}


def test_membership_without_a_lifetime_is_permanent():
    create_segments("AAA")
    add_members("AAA", 1)

    assert memberships_of(1)[0]["expires_at"] is None


def test_no_other_user_enters():
    create_segments("AAA")

    add_members("AAA", 1000)

    assert call("list_users").json["users"][0]["user_id"] == 1000
    assert [slugs_of(user_id) for user_id in (1, 999, 1001)] == [[], [], []]


def test_user_leaves_and_enters_in_one_request():
    create_segments("AAA", "BBB")
    add_members("AAA", 1)

    answer = change(1, add=("BBB",), delete=("AAA",))

    assert answer.json == {"segments_added": 1, "segments_deleted": 1}
    assert slugs_of(1) == ["BBB"]


def test_removing_an_absent_membership_counts_nothing():
    create_segments("AAA")

    assert change(1, delete=("AAA",)).json == {"segments_added": 0, "segments_deleted": 0}


def test_adding_an_active_membership_counts_nothing():
    create_segments("AAA", "BBB")
    add_members("AAA", 1)

    assert change(1, add=("AAA", "BBB")).json == {"segments_added": 1, "segments_deleted": 0}


def test_adding_an_active_membership_changes_nothing(owner):
    create_segments("AAA")
    add_members("AAA", 1)
    before = (memberships_of(1), count_rows(owner))

    done(change(1, add=("AAA",)))

    assert (memberships_of(1), count_rows(owner)) == before


def test_entering_again_after_leaving_is_a_new_membership():
    create_segments("AAA")
    add_members("AAA", 1)
    first = memberships_of(1)[0]["added_at"]
    done(change(1, delete=("AAA",)))

    done(change(1, add=("AAA",)))

    assert memberships_of(1)[0]["added_at"] > first


def test_slug_in_both_lists_is_422_and_writes_nothing(owner):
    create_segments("AAA", "BBB")
    before = count_rows(owner)

    answer = change(1, add=("AAA", "BBB"), delete=("AAA",))

    assert (answer.status, answer.locations) == (422, ["body"])
    assert answer.json["slugs"] == ["AAA"]
    assert "both add_segments and delete_segments: AAA" in answer.json["detail"]
    assert count_rows(owner) == before


@pytest.mark.parametrize(
    ("add", "delete"),
    [
        pytest.param(("AAA", "NO2", "NO1"), (), id="in-add"),
        pytest.param(("AAA",), ("NO2", "NO1"), id="in-delete"),
        pytest.param(("NO2", "AAA"), ("NO1",), id="in-both"),
        pytest.param(("NO1", "NO2", "NO1"), ("BBB",), id="named-twice"),
    ],
)
def test_unknown_slugs_are_404_all_named_in_order_and_nothing_is_written(add, delete, owner):
    create_segments("AAA", "BBB")
    before = count_rows(owner)

    answer = change(1, add=add, delete=delete)

    assert (answer.status, answer.json["slugs"]) == (404, ["NO1", "NO2"])
    assert count_rows(owner) == before


def test_one_unknown_slug_among_ten_writes_nothing(owner):
    known = tuple(f"S{number:02}" for number in range(9))
    create_segments(*known)
    before = count_rows(owner)

    answer = change(1, add=(*known, "UNKNOWN"))

    assert (answer.status, answer.json["slugs"]) == (404, ["UNKNOWN"])
    assert count_rows(owner) == before


def test_deleted_segment_is_unknown():
    create_segments("AAA")
    done(call("delete_segment", {"slug": "AAA"}, path="/segment"))

    assert change(1, add=("AAA",)).json["slugs"] == ["AAA"]


def test_slug_in_another_case_is_unknown():
    create_segments("AAA")

    assert change(1, add=("aaa",)).status == 404


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"user_id": 1}, id="absent"),
        pytest.param({"user_id": 1, "add_segments": [], "delete_segments": []}, id="empty"),
        pytest.param({"user_id": 1, "ttl": 60}, id="only-a-lifetime"),
    ],
)
def test_lists_may_be_absent_or_empty(body):
    answer = call("change_memberships", body)

    assert (answer.status, answer.json) == (200, {"segments_added": 0, "segments_deleted": 0})


def test_user_appears_on_the_first_write_that_names_it():
    done(change(1000))

    assert [user["user_id"] for user in call("list_users").json["users"]] == [1000]


def test_slug_named_twice_in_a_list_counts_once(owner):
    create_segments("AAA", "BBB")
    add_members("BBB", 1)

    answer = change(1, add=("AAA", "AAA"), delete=("BBB", "BBB"))

    assert answer.json == {"segments_added": 1, "segments_deleted": 1}
    assert count_rows(owner) == (1, 2, 1, 3)


def test_thousand_slugs_are_accepted_in_one_request(owner):
    owner.execute("insert into segments (slug) select 'S' || n from generate_series(1000, 1999) n")

    answer = change(1, add=tuple(f"S{number}" for number in range(1000, 2000)))

    assert answer.json == {"segments_added": 1000, "segments_deleted": 0}


@pytest.mark.parametrize(("added", "deleted"), [(1001, 0), (0, 1001), (501, 500)])
def test_more_than_a_thousand_slugs_are_422(added, deleted):
    slugs = tuple(f"S{number}" for number in range(1000, 2001))

    answer = change(1, add=slugs[:added], delete=slugs[added : added + deleted])

    assert answer.status == 422


def test_unknown_user_is_in_no_segment():
    answer = call("list_memberships", path="/segment/user/424242")

    assert (answer.status, answer.json) == (200, {"segments": []})


def test_batch_answers_in_the_order_of_the_request_with_repeats():
    create_segments("AAA", "BBB")
    done(change(2, add=("BBB", "AAA")))
    create_users(1)

    answer = call("batch_list_memberships", {"user_ids": [2, 7, 1, 2]})

    both = {"user_id": 2, "segments": ["AAA", "BBB"]}
    assert answer.json == {"users": [both, {"user_id": 7, "segments": []}, {"user_id": 1, "segments": []}, both]}


def test_batch_does_not_register_the_users_it_names():
    done(call("batch_list_memberships", {"user_ids": [7]}))

    assert call("list_users").json["users"] == []


def test_batch_of_a_thousand_is_answered():
    answer = call("batch_list_memberships", {"user_ids": list(range(1, 1001))})

    assert (answer.status, len(answer.json["users"])) == (200, 1000)


@pytest.mark.parametrize("size", [0, 1001])
def test_batch_beyond_its_bounds_is_422(size):
    answer = call("batch_list_memberships", {"user_ids": list(range(1, size + 1))})

    assert (answer.status, answer.locations) == (422, ["body.user_ids"])


def test_batch_with_one_bad_id_names_its_index():
    answer = call("batch_list_memberships", {"user_ids": [1, 0, 2]})

    assert (answer.status, answer.locations) == (422, ["body.user_ids.1"])
