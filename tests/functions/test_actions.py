"""GET, POST and DELETE /action: the actions that a history may record."""

import pytest

from tests.functions.calls import PROBLEM, call
from tests.functions.factories import (
    action_names,
    ask_actions,
    create_segments,
    create_users,
    delete_action,
    delete_user,
    done,
    history_of,
    record,
)

pytestmark = pytest.mark.usefixtures("service")
BUILT_IN = {"added": "I", "deleted": "D", "lifetime_changed": "U"}
NAMES = ["A", "exposure", "Exposure", "conversion:paid", "a.b-c_d:e", "x" * 64]


def create(name):
    return call("create_action", {"name": name})


@pytest.fixture
def recorded_exposure(service) -> None:
    """Record the action 'exposure' for user 1 and the segment AAA."""
    create_segments("AAA")
    create_users(1)
    done(create("exposure"))
    done(record(1, "AAA", "exposure"))


@pytest.mark.parametrize("name", NAMES)
def test_created_action_is_answered_and_listed(name):
    answer = create(name)

    assert (answer.status, answer.json) == (201, {"name": name, "operation": "A"})
    assert answer.json in ask_actions().json["actions"]


def test_names_are_case_sensitive():
    statuses = [create(name).status for name in ("exposure", "Exposure")]

    assert statuses == [201, 201]


@pytest.mark.parametrize("name", ["exposure", *BUILT_IN])
def test_taken_name_is_409(name):
    create("exposure")

    answer = create(name)

    assert (answer.status, answer.headers["content-type"]) == (409, PROBLEM)
    assert answer.json["type"] == "urn:segmentation:problem:action-taken"


def test_unused_action_is_deleted():
    create("exposure")

    answer = delete_action("exposure")

    assert (answer.status, answer.json) == (200, {"message": "ok"})
    assert "exposure" not in action_names(ask_actions())


def test_deleted_name_can_be_used_again():
    create("exposure")
    done(delete_action("exposure"))

    assert create("exposure").status == 201


def test_used_action_is_kept_with_its_history(recorded_exposure):
    before = history_of(1)

    answer = delete_action("exposure")

    assert (answer.status, answer.json["type"]) == (409, "urn:segmentation:problem:action-kept")
    assert history_of(1) == before
    assert before[-1]["action"] == "exposure"


def test_used_action_is_kept_after_its_segment_and_user_are_deleted(recorded_exposure):
    done(call("delete_segment", {"slug": "AAA"}, path="/segment"))
    done(delete_user(1))

    assert delete_action("exposure").status == 409


def test_action_can_be_deleted_after_its_only_history_is_erased(aws, recorded_exposure):
    done(delete_user(1, erase="true"))

    assert delete_action("exposure").status == 200


def test_unused_action_is_deleted_although_another_is_used(recorded_exposure):
    create("conversion")

    assert delete_action("conversion").status == 200


def test_action_deleted_twice_is_404():
    create("exposure")
    done(delete_action("exposure"))

    assert delete_action("exposure").status == 404


@pytest.mark.parametrize("limit", [1, 2, 4, 5])
def test_actions_come_in_pages_without_gap_or_repeat(limit):
    for name in ("B", "a", "conversion:x", "zz"):
        done(create(name))
    read, cursor = [], {}
    while cursor is not None:
        page = ask_actions(limit=str(limit), **cursor)
        read += action_names(page)
        cursor = page.json["next_cursor"] and {"cursor": page.json["next_cursor"]}

    assert read == action_names(ask_actions())
    assert sorted(read) == sorted(["B", "a", "conversion:x", "zz", *BUILT_IN])


def test_actions_of_a_page_are_stable_while_actions_are_added():
    page = ask_actions(limit="1")
    create("aaa")

    assert action_names(ask_actions(limit="2", cursor=page.json["next_cursor"])) == ["deleted", "lifetime_changed"]
