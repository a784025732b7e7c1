"""Memberships with an end, and how every read shows them."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.functions.calls import call
from tests.functions.factories import (
    add_members,
    change,
    create_segments,
    delete_user,
    done,
    expired_membership,
    get_segment,
    memberships_of,
    rows,
    slugs_of,
    users_in,
)

pytestmark = pytest.mark.usefixtures("service")


@pytest.mark.parametrize("digits", ["1234567", "123456789", "123456" + "9" * 30])
def test_instant_is_truncated_to_a_microsecond(digits):
    create_segments("AAA")

    done(change(1, add=("AAA",), expires_at=f"2099-01-01T02:00:00.{digits}+02:00"))

    assert [membership["expires_at"] for membership in memberships_of(1)] == ["2099-01-01T00:00:00.123456Z"]


def test_ttl_counts_from_the_entry():
    create_segments("AAA")
    done(change(1, add=("AAA",), ttl=86400))

    [membership] = memberships_of(1)

    added_at, expires_at = (datetime.fromisoformat(membership[name]) for name in ("added_at", "expires_at"))
    assert expires_at - added_at == timedelta(days=1)


@pytest.mark.parametrize("ttl", [1, 315_360_000])
def test_ttl_at_its_bounds_is_accepted(ttl):
    create_segments("AAA")

    assert change(1, add=("AAA",), ttl=ttl).json["segments_added"] == 1


@pytest.mark.parametrize("ttl", [0.0, False, -1, 315_360_001, 2**63 - 1, 1.5, "60", True])
def test_ttl_beyond_its_bounds_is_422(ttl):
    answer = change(1, ttl=ttl)

    assert (answer.status, answer.locations) == (422, ["body.ttl"])


def test_ttl_of_zero_means_permanent():
    create_segments("AAA")

    done(change(1, add=("AAA",), ttl=0))

    assert memberships_of(1)[0]["expires_at"] is None


@pytest.mark.parametrize("ttl", [0, None])
def test_ttl_of_zero_or_null_leaves_the_end_to_expires_at(ttl):
    create_segments("AAA")

    done(change(1, add=("AAA",), ttl=ttl, expires_at="2999-01-01T00:00:00Z"))

    assert memberships_of(1)[0]["expires_at"] == "2999-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2999-01-31T12:00:00Z", "2999-01-31T12:00:00Z"),
        ("2999-01-31T12:00:00+03:00", "2999-01-31T09:00:00Z"),
        ("2999-12-31T23:30:00-05:30", "3000-01-01T05:00:00Z"),
        ("2999-01-31t12:00:00.123456z", "2999-01-31T12:00:00.123456Z"),
        ("2999-01-31T12:00:00+0000", "2999-01-31T12:00:00Z"),
        ("2999-01-31T12:00:00.5-0330", "2999-01-31T15:30:00.500000Z"),
        ("2999-01-31T12:00:00+03", "2999-01-31T09:00:00Z"),
        ("2999-01-31T12:00Z", "2999-01-31T12:00:00Z"),
        ("2999-01-31t12:00z", "2999-01-31T12:00:00Z"),
        ("2999-01-31T12:00-01:00", "2999-01-31T13:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_expires_at_is_kept_as_the_same_instant_in_utc(given, shown):
    create_segments("AAA")

    done(change(1, add=("AAA",), expires_at=given))

    assert memberships_of(1)[0]["expires_at"] == shown


@pytest.mark.parametrize(
    "instant",
    [
        pytest.param("2030-01-31", id="date"),
        pytest.param("2030-01-31T12:00:00", id="no-offset"),
        pytest.param("2030-01-31 12:00:00Z", id="space"),
        pytest.param("2030-02-30T12:00:00Z", id="no-such-day"),
        pytest.param("2030-01-31T24:00:00Z", id="no-such-hour"),
        pytest.param("2030-01-31T12:00:00+24:00", id="no-such-offset"),
        pytest.param("2030-01-31T12:00:00+2400", id="no-such-short-offset"),
        pytest.param("2030-01-31T12:00:00+3", id="one-digit-of-an-offset"),
        pytest.param("2030-01-31T12:00:00+000", id="three-digits-of-an-offset"),
        pytest.param("2030-01-31T12Z", id="no-minutes"),
        pytest.param("2030-01-31T12:00", id="no-seconds-and-no-offset"),
        pytest.param("2030-01-31T12:00:00Z\n", id="newline"),
        pytest.param("9999-12-31T23:59:59-01:00", id="year-10000-in-utc"),
        pytest.param("0000-01-01T00:00:00Z", id="year-0"),
        pytest.param("٢٠٣٠-01-31T12:00:00Z", id="other-digits"),
        pytest.param("infinity", id="infinity"),
        pytest.param("", id="empty"),
        pytest.param(1893456000, id="number"),
        pytest.param("1893456000", id="number-in-a-string"),
        pytest.param(True, id="bool"),
    ],
)
def test_end_that_is_no_instant_is_422(instant):
    answer = change(1, expires_at=instant)

    assert (answer.status, answer.locations) == (422, ["body.expires_at"])


def test_ttl_and_expires_at_together_are_422():
    answer = change(1, ttl=60, expires_at="2999-01-01T00:00:00Z")

    assert (answer.status, answer.locations) == (422, ["body"])


def test_ttl_null_and_expires_at_null_together_mean_permanent():
    create_segments("AAA")

    done(change(1, add=("AAA",), ttl=None, expires_at=None))

    assert memberships_of(1)[0]["expires_at"] is None


@pytest.mark.parametrize("instant", ["2020-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
@pytest.mark.parametrize("add", [("AAA",), ()], ids=["adding", "adding-nothing"])
def test_past_instant_is_422_and_writes_nothing(instant, add, owner):
    create_segments("AAA")
    before = rows(owner)

    answer = change(1, add=add, expires_at=instant)

    assert (answer.status, answer.locations) == (422, ["body.expires_at"])
    assert rows(owner) == before


def test_past_instant_with_a_later_local_time_is_422(owner):
    create_segments("AAA")
    hour_ago = datetime.now(UTC) - timedelta(hours=1)

    answer = change(1, add=("AAA",), expires_at=f"{hour_ago + timedelta(hours=3):%Y-%m-%dT%H:%M:%S}+03:00")

    assert (answer.status, answer.locations) == (422, ["body.expires_at"])


@pytest.mark.parametrize(
    "lifetime", [{"ttl": 60}, {"expires_at": "2999-01-01T00:00:00Z"}, {}], ids=["ttl", "expires_at", "permanent"]
)
@pytest.mark.parametrize("first", [{"ttl": 3600}, {}], ids=["limited", "permanent"])
def test_adding_an_active_membership_keeps_its_lifetime(first, lifetime):
    create_segments("AAA")
    done(change(1, add=("AAA",), **first))
    before = memberships_of(1)

    answer = change(1, add=("AAA",), **lifetime)

    assert answer.json["segments_added"] == 0
    assert memberships_of(1) == before


def test_expired_membership_is_hidden_before_the_sweep(owner):
    expired_membership(owner)

    shown = (slugs_of(1), users_in("AAA"), get_segment("AAA").json["members"])

    assert shown == ([], [], 0)
    assert call("batch_list_memberships", {"user_ids": [1]}).json["users"][0]["segments"] == []


@pytest.mark.direct(reason="changes a setting of its session")
def test_membership_is_not_shown_from_its_end_on(stop_clock):
    create_segments("AAA")
    done(change(1, add=("AAA",), ttl=3600))
    [membership] = memberships_of(1)

    stop_clock(membership["expires_at"], "0 ms")

    assert (slugs_of(1), users_in("AAA"), get_segment("AAA").json["members"]) == ([], [], 0)


def test_adding_again_after_the_end_starts_a_new_membership(owner):
    expired_membership(owner)

    answer = change(1, add=("AAA",))

    assert answer.json == {"segments_added": 1, "segments_deleted": 0}
    assert memberships_of(1)[0]["expires_at"] is None


def test_history_of_adding_again_ends_the_first_membership_at_its_end(owner):
    expired_membership(owner)

    done(change(1, add=("AAA",)))

    history = owner.execute("select action_id, reason, executed_at = expires_at from history order by history_id")
    assert history.fetchall() == [(1, "manual", False), (2, "ttl", True), (1, "manual", None)]


def test_removing_an_expired_membership_counts_nothing(owner):
    expired_membership(owner)

    assert change(1, delete=("AAA",)).json == {"segments_added": 0, "segments_deleted": 0}


def test_deleting_a_user_does_not_count_expired_memberships(owner):
    expired_membership(owner)

    assert delete_user(1).json == {"message": "ok", "segments_deleted": 0}


def test_lifetime_holds_for_every_segment_of_the_request():
    create_segments("AAA", "BBB", "CCC")
    add_members("CCC", 1)

    done(change(1, add=("AAA", "BBB"), delete=("CCC",), ttl=60))

    ends = {membership["expires_at"] for membership in memberships_of(1)}
    assert len(ends) == 1
    assert None not in ends
