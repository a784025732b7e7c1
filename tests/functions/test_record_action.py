"""POST /user/{user_id}/history: record an action that the company has defined."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.functions.calls import PROBLEM, call
from tests.functions.factories import (
    add_members,
    create_segments,
    create_users,
    delete_user,
    done,
    history_of,
    memberships_of,
    patch_segment,
    record,
    rows,
)

MIRA = "arn:aws:iam::123456789012:user/mira"


@pytest.fixture(autouse=True)
def world(service) -> None:
    """Create the segment AAA, two actions, and user 1, who is not a member."""
    create_segments("AAA")
    create_users(1)
    for name in ("exposure", "conversion"):
        done(call("create_action", {"name": name}))


def test_recorded_action_is_answered_as_an_operation():
    answer = record(1, "AAA", "exposure", actor=MIRA)

    assert answer.status == 201
    assert answer.json == {
        "slug": "AAA",
        "operation": "A",
        "action": "exposure",
        "reason": "manual",
        "actor": MIRA,
        "comment": None,
        "expires_at": None,
        "executed_at": answer.json["executed_at"],
    }


def test_history_shows_the_recorded_action():
    recorded = done(record(1, "AAA", "exposure", actor=MIRA))

    assert history_of(1) == [recorded]


def test_action_is_dated_now_in_utc():
    executed_at = done(record(1, "AAA", "exposure"))["executed_at"]

    assert executed_at.endswith("Z")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(executed_at)) < timedelta(minutes=1)


def test_action_has_the_caller_as_its_actor():
    assert done(record(1, "AAA", "exposure"))["actor"] == "alice"


def test_action_follows_an_earlier_entry():
    add_members("AAA", 1)

    done(record(1, "AAA", "exposure"))

    assert [operation["operation"] for operation in history_of(1)] == ["I", "A"]


def test_action_neither_begins_nor_ends_a_membership():
    done(record(1, "AAA", "exposure"))

    assert memberships_of(1) == []


def test_same_action_twice_is_twice_in_the_history():
    for _ in range(2):
        done(record(1, "AAA", "exposure"))

    assert len(history_of(1)) == 2


def test_action_is_recorded_for_its_user_only():
    create_users(2)

    done(record(1, "AAA", "exposure"))

    assert history_of(2) == []


def test_recorded_action_keeps_the_old_slug_after_a_rename():
    done(record(1, "AAA", "exposure"))
    before = history_of(1)

    done(patch_segment("AAA", {"slug": "BBB"}))

    assert history_of(1) == before


@pytest.mark.parametrize(
    ("user_id", "slug", "action", "problem"),
    [
        (2, "AAA", "exposure", "user-unknown"),
        (1, "NONE", "exposure", "segment-unknown"),
        (1, "AAA", "Exposure", "action-unknown"),
        (1, "aaa", "exposure", "segment-unknown"),
    ],
)
def test_unknown_user_segment_or_action_is_404_and_writes_nothing(owner, user_id, slug, action, problem):
    before = rows(owner)

    answer = record(user_id, slug, action)

    assert (answer.status, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.json["type"] == f"urn:segmentation:problem:{problem}"
    assert rows(owner) == before


def test_unknown_segment_is_named():
    assert record(1, "NONE", "exposure").json["slugs"] == ["NONE"]


def test_deleted_segment_is_unknown():
    done(call("delete_segment", {"slug": "AAA"}, path="/segment"))

    assert record(1, "AAA", "exposure").status == 404


def test_deleted_user_is_unknown():
    done(delete_user(1))

    assert record(1, "AAA", "exposure").status == 404


@pytest.mark.parametrize("action", ["added", "deleted", "lifetime_changed"])
def test_built_in_action_is_422_and_writes_nothing(action):
    answer = record(1, "AAA", action)

    assert (answer.status, answer.locations) == (422, ["body.action"])
    assert history_of(1) == []


@pytest.mark.parametrize("action", ["", "1st", "a b", "a\n", "a\x00", "=1+1", "x" * 65, None, 5, ["exposure"]])
def test_action_beyond_the_grammar_is_422(action):
    answer = record(1, "AAA", action)

    assert (answer.status, answer.locations) == (422, ["body.action"])


@pytest.mark.parametrize(
    ("body", "missing"), [({"slug": "AAA"}, "action"), ({"action": "exposure"}, "slug")], ids=["action", "slug"]
)
def test_missing_member_is_422(body, missing):
    answer = call("record_action", body, path="/user/1/history")

    assert (answer.status, answer.locations) == (422, [f"body.{missing}"])


@pytest.mark.parametrize("member", ["user_id", "actor", "reason", "executed_at", "expires_at", "comment"])
def test_client_cannot_set_the_actor_the_time_or_the_reason(member):
    answer = call("record_action", {"slug": "AAA", "action": "exposure", member: None}, path="/user/1/history")

    assert (answer.status, answer.locations) == (422, [f"body.{member}"])
    assert history_of(1) == []
