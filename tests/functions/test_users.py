"""POST /user and DELETE /user/{user_id}. test_lists tests the list."""

import pytest

from tests.functions.calls import call
from tests.functions.factories import (
    add_members,
    change,
    create_segments,
    create_users,
    delete_user,
    done,
    patch_segment,
    rows,
    slugs_of,
    users_in,
)

pytestmark = pytest.mark.usefixtures("service")


@pytest.mark.parametrize("body", ["", "{}", '{"user_id": null}'], ids=["empty", "no-members", "null"])
def test_first_free_id_is_one(body):
    answer = call("create_user", body)

    assert (answer.status, answer.json) == (201, {"user_id": 1})


def test_request_without_a_body_gets_a_free_id():
    answer = call("create_user")

    assert (answer.status, answer.json) == (201, {"user_id": 1})


def test_free_ids_follow_each_other():
    chosen = [call("create_user").json["user_id"] for _ in range(3)]

    assert chosen == [1, 2, 3]


def test_id_chosen_by_the_caller_is_registered():
    answer = call("create_user", {"user_id": 2**63 - 1})

    assert (answer.status, answer.json) == (201, {"user_id": 2**63 - 1})


def test_registered_id_answers_200_with_the_same_body():
    create_users(1000)

    answer = call("create_user", {"user_id": 1000})

    assert (answer.status, answer.json) == (200, {"user_id": 1000})


def test_id_that_appeared_with_a_membership_is_registered():
    create_segments("AAA")
    add_members("AAA", 1000)

    answer = call("create_user", {"user_id": 1000})

    assert answer.status == 200


def test_free_id_skips_ids_chosen_by_callers():
    create_users(1, 2, 4)

    chosen = [call("create_user").json["user_id"] for _ in range(3)]

    assert len({*chosen, 1, 2, 4}) == 6


def test_free_id_skips_ids_in_the_history():
    create_segments("AAA")
    add_members("AAA", 1)
    done(delete_user(1))

    chosen = call("create_user").json["user_id"]

    assert chosen != 1


def test_ids_at_doubling_distances_do_not_exhaust_the_free_ids():
    create_users(*(2**power for power in range(63)))

    chosen = [call("create_user").json["user_id"] for _ in range(3)]

    assert len({*chosen}) == 3
    assert max(chosen) < 2**18


def test_step_over_a_long_run_of_ids_is_bounded(owner):
    owner.execute("insert into users (user_id) select number from generate_series(1, 100000) number")

    chosen = call("create_user").json["user_id"]

    assert 100_000 < chosen <= 100_000 + 2**16


def test_greatest_ids_of_callers_do_not_move_the_free_ids():
    create_users(2**53 - 1, 2**53, 2**63 - 1)

    assert call("create_user").json == {"user_id": 1}


@pytest.mark.parametrize("last", [2**53 - 2, 2**53 - 1, 2**53, 2**63 - 2, 2**63 - 1])
def test_free_ids_begin_again_where_the_last_one_that_javascript_reads_exactly_is_taken(owner, last):
    create_users(1, 2**53 - 1, 2**53, 2**63 - 1)
    owner.execute("select setval('user_ids', %s)", (last,))

    chosen = [call("create_user").json["user_id"] for _ in range(2)]

    assert chosen == [2, 3]


def test_free_id_is_the_last_one_below_2_to_the_53(owner):
    owner.execute("select setval('user_ids', %s)", (2**53 - 2,))

    chosen = [call("create_user").json["user_id"] for _ in range(2)]

    assert chosen == [2**53 - 1, 1]


def test_new_user_is_in_no_segment():
    create_segments("AAA")
    create_users(1000)

    assert slugs_of(1000) == []


def test_deleting_a_user_counts_the_memberships_that_ended():
    create_segments("AAA", "BBB")
    done(change(1000, add=("AAA", "BBB")))

    answer = delete_user(1000)

    assert (answer.status, answer.json) == (200, {"message": "ok", "segments_deleted": 2})


def test_deleted_user_leaves_every_segment():
    create_segments("AAA")
    add_members("AAA", 1000, 1001)

    done(delete_user(1000))

    assert (slugs_of(1000), users_in("AAA")) == ([], [1001])


def test_deleting_a_user_keeps_the_history(owner):
    create_segments("AAA")
    add_members("AAA", 1000)

    done(delete_user(1000))

    history = owner.execute("select action_id, reason from history order by history_id").fetchall()
    assert history == [(1, "manual"), (2, "user_deleted")]


def test_deleting_an_unknown_user_is_404():
    answer = delete_user(1000)

    assert answer.status == 404
    assert answer.json["type"] == "urn:segmentation:problem:user-unknown"


def test_deleting_a_user_twice_is_404():
    create_users(1000)
    done(delete_user(1000))

    answer = delete_user(1000)

    assert answer.status == 404


def test_erase_removes_the_history_too(owner, aws):
    create_segments("AAA")
    add_members("AAA", 1000)

    answer = delete_user(1000, erase="true")

    assert answer.json == {"message": "ok", "segments_deleted": 1}
    assert rows(owner) == (0, 1, 0, 0)


def test_erase_keeps_the_history_of_other_users(owner, aws):
    create_segments("AAA")
    add_members("AAA", 1000, 1001)

    done(delete_user(1000, erase="true"))

    assert owner.execute("select user_id from history").fetchall() == [(1001,)]


def test_erase_works_after_the_user_was_deleted(owner, aws):
    create_segments("AAA")
    add_members("AAA", 1000)
    done(delete_user(1000))

    answer = delete_user(1000, erase="true")

    assert answer.json == {"message": "ok", "segments_deleted": 0}
    assert rows(owner) == (0, 1, 0, 0)


def test_erasing_an_unknown_user_is_404(aws):
    answer = delete_user(1000, erase="true")

    assert answer.status == 404


def test_erase_false_keeps_the_history(owner):
    create_segments("AAA")
    add_members("AAA", 1000)

    done(delete_user(1000, erase="false"))

    assert rows(owner) == (0, 1, 0, 2)


def test_deleted_users_segment_can_be_renamed_afterwards():
    create_segments("AAA")
    add_members("AAA", 1000)
    done(delete_user(1000))

    answer = patch_segment("AAA", {"slug": "BBB"})

    assert answer.status == 200
