"""GET /user/{user_id}/history as JSON: its operations, its range and its pages. test_history_csv tests CSV."""

from datetime import datetime, timedelta, timezone

import pytest

from tests.functions.calls import call
from tests.functions.factories import (
    add_members,
    ask_history,
    change,
    create_segments,
    create_users,
    delete_user,
    done,
    expired_membership,
    history_of,
    patch_segment,
)

pytestmark = pytest.mark.usefixtures("service")
MICROSECOND = timedelta(microseconds=1)


def summary(operations):
    return [(operation["slug"], operation["operation"], operation["reason"]) for operation in operations]


def executed_at(operation):
    return datetime.fromisoformat(operation["executed_at"])


@pytest.fixture
def three_operations(service):
    """Add user 1 to AAA, remove the user, and add the user again. Return the history."""
    create_segments("AAA")
    add_members("AAA", 1)
    done(change(1, delete=("AAA",)))
    add_members("AAA", 1)
    return history_of(1)


def test_operation_has_the_members_of_the_contract():
    create_segments("AAA")
    done(change(1, add=("AAA",), expires_at="2999-01-01T00:00:00Z"))

    [entry] = history_of(1)

    executed = entry.pop("executed_at")
    assert executed.endswith("Z")
    assert entry.pop("expires_at") == "2999-01-01T00:00:00Z"
    assert entry == {
        "slug": "AAA",
        "operation": "I",
        "action": "added",
        "reason": "manual",
        "actor": "alice",
        "comment": None,
    }


def test_operations_are_in_the_order_of_time(three_operations):
    assert [operation["operation"] for operation in three_operations] == ["I", "D", "I"]
    assert sorted(three_operations, key=executed_at) == three_operations


def test_history_of_other_users_is_not_shown(three_operations):
    add_members("AAA", 2)

    assert history_of(1) == three_operations
    assert len(history_of(2)) == 1


def test_history_of_a_deleted_user_is_shown(three_operations):
    done(delete_user(1))

    assert summary(history_of(1))[3:] == [("AAA", "D", "user_deleted")]


def test_erased_history_is_not_shown(aws, three_operations):
    done(delete_user(1, erase="true"))

    assert history_of(1) == []


def test_due_exit_is_shown_before_the_sweep(owner):
    expired_membership(owner)

    entry, end = history_of(1)
    assert summary([entry, end]) == [("AAA", "I", "manual"), ("AAA", "D", "ttl")]
    assert (end["actor"], end["executed_at"]) == ("schedule", entry["expires_at"])


def test_renaming_a_segment_does_not_change_the_history(three_operations):
    done(patch_segment("AAA", {"slug": "BBB"}))

    assert history_of(1) == three_operations


def test_deleting_a_segment_does_not_change_the_history(three_operations):
    done(call("delete_segment", {"slug": "AAA"}, path="/segment"))

    assert history_of(1)[:3] == three_operations
    assert summary(history_of(1))[3:] == [("AAA", "D", "segment_deleted")]


def test_recreating_a_segment_does_not_change_the_history(three_operations):
    done(call("delete_segment", {"slug": "AAA"}, path="/segment"))
    before = history_of(1)
    create_segments("AAA")
    assert history_of(1) == before

    add_members("AAA", 1)

    assert history_of(1)[:4] == before


def test_reusing_a_slug_does_not_change_the_history(three_operations):
    done(patch_segment("AAA", {"slug": "OLD"}))
    create_segments("AAA")

    done(call("delete_segment", {"slug": "AAA"}, path="/segment"))

    assert history_of(1) == three_operations


def test_range_includes_its_start(three_operations):
    assert history_of(1, from_=three_operations[1]["executed_at"]) == three_operations[1:]


def test_range_excludes_its_end(three_operations):
    assert history_of(1, to=three_operations[1]["executed_at"]) == three_operations[:1]


def test_range_is_exact_to_the_microsecond(three_operations):
    moment = executed_at(three_operations[1])

    ranged = history_of(1, from_=moment.isoformat(), to=(moment + MICROSECOND).isoformat())

    assert ranged == [three_operations[1]]
    assert history_of(1, from_=(moment + MICROSECOND).isoformat()) == three_operations[2:]


def test_two_adjacent_ranges_hold_every_operation_once(three_operations):
    border = three_operations[1]["executed_at"]

    assert history_of(1, to=border) + history_of(1, from_=border) == three_operations


@pytest.mark.parametrize("hours", [3, -8, 14])
def test_range_in_another_offset_is_the_same_instant(three_operations, hours):
    elsewhere = executed_at(three_operations[1]).astimezone(timezone(timedelta(hours=hours)))

    assert history_of(1, from_=elsewhere.isoformat()) == three_operations[1:]


@pytest.mark.parametrize("instant", ["2023-08-01T00:00Z", "2023-08-01T00:00:00+0000", "2023-08-01t00:00+00"])
def test_bound_of_a_range_may_be_as_short_as_clients_write_it(service, instant):
    answer = ask_history(1, from_=instant, to="2023-08-01T00:00:00Z")

    assert (answer.status, answer.json["operations"]) == (200, [])


def test_range_of_an_instant_is_empty(three_operations):
    moment = three_operations[1]["executed_at"]

    assert history_of(1, from_=moment, to=moment) == []


@pytest.mark.parametrize(
    "instant", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2023-08-01T00:00:00+15:59"]
)
def test_range_may_begin_at_any_instant_of_the_calendar(instant):
    create_users(1)

    assert ask_history(1, from_=instant).status in {200, 422}
    assert ask_history(1, to=instant).status == 200


@pytest.fixture
def two_segments(service):
    """Add user 1 to AAA and BBB, rename AAA, and remove the user from both. Return the history."""
    create_segments("AAA", "BBB")
    done(change(1, add=("AAA", "BBB")))
    done(patch_segment("AAA", {"slug": "ZZZ"}))
    done(change(1, delete=("ZZZ", "BBB")))
    return history_of(1)


def test_history_of_one_slug_has_the_operations_that_had_it(two_segments):
    assert sorted(operation["slug"] for operation in two_segments) == ["AAA", "BBB", "BBB", "ZZZ"]

    for slug in ("AAA", "BBB", "ZZZ", "YYY"):
        assert history_of(1, slug=slug) == [operation for operation in two_segments if operation["slug"] == slug]


def test_history_of_one_slug_has_pages(two_segments):
    first = done(ask_history(1, slug="BBB", limit="1"))
    second = done(ask_history(1, slug="BBB", limit="1", cursor=first["next_cursor"]))

    assert first["operations"] + second["operations"] == history_of(1, slug="BBB")
    assert second["next_cursor"] is None


@pytest.mark.parametrize("slug", ["", "user", "no slug"])
def test_history_of_an_invalid_slug_is_422(slug):
    answer = ask_history(1, slug=slug)

    assert (answer.status, answer.json["errors"][0]["location"]) == (422, "query.slug")


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_hold_every_operation_once(three_operations, limit):
    found, cursor = [], {}
    while cursor is not None:
        page = done(ask_history(1, limit=str(limit), **cursor))
        found += page["operations"]
        cursor = page["next_cursor"] and {"cursor": page["next_cursor"]}

    assert found == three_operations


def test_operations_of_one_instant_are_not_lost_between_pages():
    create_segments("AAA", "BBB", "CCC")
    done(change(1, add=("AAA", "BBB", "CCC")))

    first = done(ask_history(1, limit="2"))
    second = done(ask_history(1, limit="2", cursor=first["next_cursor"]))

    assert len({operation["executed_at"] for operation in history_of(1)}) == 1
    assert first["operations"] + second["operations"] == history_of(1)


def test_page_that_ends_with_the_history_is_the_last(three_operations):
    assert done(ask_history(1, limit="3"))["next_cursor"] is None
