"""The percent of a segment, through the routes. tests/integration tests the rule itself."""

import re

import pytest

from segmentation.domain import deletion
from segmentation.domain.rollouts import percent as rollout_percent
from tests.functions.calls import call
from tests.functions.factories import change as change_memberships
from tests.functions.factories import (
    create_segments,
    create_users,
    done,
    get_segment,
    history_of,
    patch_segment,
    users_in,
)

pytestmark = pytest.mark.usefixtures("service")


def create(slug, percent):
    return call("create_segment", {"slug": slug, "user_percent": percent})


def test_new_segment_counts_the_users_that_its_percent_added():
    create_users(*range(1, 11))

    answer = create("ROLLOUT", 30)

    assert answer.status == 201
    assert (answer.json["user_percent"], answer.json["users_added"]) == (30, 3)
    assert get_segment("ROLLOUT").json["members"] == 3


@pytest.mark.parametrize("percent", [0, 0.01, 0.07, 0.29, 1, 33.33, 99.99, 100, 100.0])
def test_percent_in_hundredths_is_stored_exactly(percent):
    created = done(create("ROLLOUT", percent))

    assert created["user_percent"] == get_segment("ROLLOUT").json["user_percent"] == percent


@pytest.mark.parametrize(
    ("given", "stored"), [(0.1 + 0.2, 0.3), (100.00000000000001, 100), (33.33 * (1 + 9e-10), 33.33), (-0.0, 0)]
)
def test_percent_off_by_the_rounding_of_floats_is_the_percent(given, stored):
    assert done(create("ROLLOUT", given))["user_percent"] == stored
    assert done(patch_segment("ROLLOUT", {"user_percent": given}))["user_percent"] == stored


@pytest.mark.parametrize(("percent", "text"), [(0, "0"), (50, "50"), (100.0, "100"), (12.5, "12.5"), (0.01, "0.01")])
def test_percent_is_answered_without_a_needless_fraction(percent, text):
    answers = [create("ROLLOUT", percent), patch_segment("ROLLOUT", {"user_percent": percent}), get_segment("ROLLOUT")]

    assert [re.search(r'"user_percent":([^,]*),', answer.text)[1] for answer in answers] == [text] * 3
    assert f'"user_percent":{text},' in call("list_segments").text


def test_percent_of_zero_enrols_no_user_and_can_be_raised():
    create_users(1, 2)

    created = done(create("ROLLOUT", 0))
    create_users(3)
    members = get_segment("ROLLOUT").json["members"]
    raised = done(patch_segment("ROLLOUT", {"user_percent": 100}))

    assert (created["user_percent"], created["users_added"], members, raised["users_added"]) == (0, 0, 0, 3)


def test_percent_of_zero_takes_automatic_members_out_and_keeps_those_added_by_hand():
    create_users(1, 2, 3)
    done(create("ROLLOUT", 100))
    done(change_memberships(4, add=("ROLLOUT",)))
    done(change_memberships(3, add=("ROLLOUT",)))

    changed = done(patch_segment("ROLLOUT", {"user_percent": 0}))

    assert (changed["user_percent"], changed["users_deleted"]) == (0, 2)
    assert users_in("ROLLOUT") == [3, 4]


def test_change_by_hand_counts_at_a_percent_of_zero():
    create_users(1)
    done(create("ROLLOUT", 0))
    done(change_memberships(1, delete=("ROLLOUT",)))

    done(patch_segment("ROLLOUT", {"user_percent": 100}))

    assert users_in("ROLLOUT") == []


def test_changed_percent_counts_the_added_and_removed_users():
    create_users(*range(1, 11))
    done(create("ROLLOUT", 30))

    raised = done(patch_segment("ROLLOUT", {"user_percent": 50}))
    lowered = done(patch_segment("ROLLOUT", {"user_percent": 20}))

    assert (raised["users_added"], raised["users_deleted"]) == (2, 0)
    assert (lowered["users_added"], lowered["users_deleted"]) == (0, 3)


def test_null_ends_the_percent_and_keeps_the_members():
    create_users(1)
    done(create("ROLLOUT", 100))

    changed = done(patch_segment("ROLLOUT", {"user_percent": None}))
    create_users(2)

    assert (changed["user_percent"], changed["users_deleted"]) == (None, 0)
    assert get_segment("ROLLOUT").json["members"] == 1


def test_percent_and_name_change_together_or_not_at_all():
    create_users(1)
    create_segments("TAKEN")
    done(create("ROLLOUT", 0.01))

    answer = patch_segment("ROLLOUT", {"slug": "TAKEN", "user_percent": 100})

    assert answer.status == 409
    assert get_segment("ROLLOUT").json["user_percent"] == 0.01
    assert get_segment("TAKEN").json["members"] == 0


def test_new_user_is_a_member_at_once():
    done(create("ROLLOUT", 100))

    done(call("create_user", {"user_id": 7}))

    [entry] = history_of(7)
    assert (entry["operation"], entry["reason"], entry["actor"]) == ("I", "percent", "alice")


def test_new_user_with_a_generated_id_is_a_member_at_once():
    done(create("ROLLOUT", 100))

    user_id = done(call("create_user"))["user_id"]

    assert [entry["slug"] for entry in history_of(user_id)] == ["ROLLOUT"]


def test_new_user_of_a_membership_write_is_a_member_at_once():
    done(create("ROLLOUT", 100))
    create_segments("OTHER")

    changed = done(change_memberships(7, add=("OTHER",)))

    assert changed["segments_added"] == 1
    assert {entry["slug"] for entry in history_of(7)} == {"OTHER", "ROLLOUT"}


@pytest.fixture
def small_request_limits(monkeypatch, aws):
    monkeypatch.setattr(rollout_percent, "MOST_CHANGES", 1)
    monkeypatch.setattr(deletion, "MOST_MEMBERS", 1)
    return aws


def test_large_rollout_is_202_and_names_its_job(small_request_limits):
    create_users(1, 2, 3)

    answer = create("ROLLOUT", 100)

    assert answer.status == 202
    assert small_request_limits.messages() == [answer.json["job_id"]]
    assert call("show_job", path=f"/job/{answer.json['job_id']}").json["kind"] == "rollout"


def test_percent_is_shown_at_once_and_members_only_after_the_job(small_request_limits):
    create_users(1, 2, 3)
    create("ROLLOUT", 100)

    segment = call("get_segment", path="/segment/ROLLOUT").json

    assert (segment["user_percent"], segment["members"]) == (100, 0)


def test_large_change_of_a_percent_is_202_and_names_its_job(small_request_limits):
    create_users(1, 2, 3)
    create_segments("ROLLOUT")

    answer = patch_segment("ROLLOUT", {"user_percent": 100})

    assert (answer.status, answer.json["user_percent"]) == (202, 100)
    assert small_request_limits.messages() == [answer.json["job_id"]]


@pytest.mark.parametrize("by", ["body", "path"])
def test_deletion_of_a_large_segment_is_202_and_names_its_job(small_request_limits, by):
    create_segments("LARGE")
    for user_id in (1, 2):
        done(change_memberships(user_id, add=("LARGE",)))

    body = {"body": {"slug": "LARGE"}, "path": "/segment"} if by == "body" else {"path": "/segment/LARGE"}
    answer = call("delete_segment", **body)

    assert (answer.status, answer.json["message"]) == (202, "ok")
    assert small_request_limits.messages() == [answer.json["job_id"]]
    assert get_segment("LARGE").status == 404


def test_large_rollout_is_202_although_the_queue_is_unreachable(small_request_limits, monkeypatch):
    from botocore.exceptions import EndpointConnectionError

    from segmentation.jobs import queue

    def refuse(job_id):
        raise EndpointConnectionError(endpoint_url="queue")

    monkeypatch.setattr(queue, "send", refuse)
    create_users(1, 2, 3)

    assert create("ROLLOUT", 100).status == 202
