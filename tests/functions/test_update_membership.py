"""PATCH /segment/user/{user_id}/{slug}: another lifetime. tests/integration tests all transitions."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.functions.calls import PROBLEM
from tests.functions.factories import (
    add_members,
    change,
    create_segments,
    delete_user,
    done,
    expired_membership,
    history_of,
    memberships_of,
    patch_membership,
    patch_segment,
    rows,
)

pytestmark = pytest.mark.usefixtures("service")
MIRA = "arn:aws:iam::123456789012:user/mira"
FUTURE = "2999-01-31T12:00:00Z"


@pytest.fixture
def member(service) -> None:
    """Add user 1 to AAA for an hour."""
    create_segments("AAA", "BBB")
    done(change(1, add=("AAA",), ttl=3600))


@pytest.fixture
def nothing_changed(owner):
    """Check that the memberships and all row counts stay the same."""
    before = (rows(owner), memberships_of(1))
    yield
    assert (rows(owner), memberships_of(1)) == before


def test_membership_is_answered_with_its_new_end(member):
    answer = patch_membership(1, "AAA", {"expires_at": FUTURE})

    assert answer.status == 200
    assert answer.json == memberships_of(1)[0]
    assert answer.json["expires_at"] == FUTURE


def test_ttl_counts_from_now_and_not_from_the_entry(member, owner):
    owner.execute("update memberships set expires_at = now() + interval '1 day'")

    expires_at = datetime.fromisoformat(done(patch_membership(1, "AAA", {"ttl": 60}))["expires_at"])

    assert timedelta(0) < expires_at - datetime.now(UTC) <= timedelta(seconds=60)


def test_new_lifetime_keeps_the_time_of_entry(member):
    [before] = memberships_of(1)

    assert done(patch_membership(1, "AAA", {"ttl": 7200}))["added_at"] == before["added_at"]


@pytest.mark.parametrize("body", [{"ttl": None}, {"ttl": None, "expires_at": None}], ids=["ttl", "both"])
def test_null_makes_a_membership_permanent(member, body):
    answer = patch_membership(1, "AAA", body)

    assert (answer.status, answer.json["expires_at"]) == (200, None)
    assert memberships_of(1)[0]["expires_at"] is None


def test_null_beside_a_ttl_means_that_no_instant_was_given(member):
    answer = patch_membership(1, "AAA", {"ttl": 60, "expires_at": None})

    assert answer.json["expires_at"] == memberships_of(1)[0]["expires_at"] is not None


def test_permanent_membership_can_be_given_an_end():
    create_segments("AAA")
    add_members("AAA", 1)

    done(patch_membership(1, "AAA", {"expires_at": FUTURE}))

    assert memberships_of(1)[0]["expires_at"] == FUTURE


def test_other_memberships_keep_their_lifetimes(member):
    add_members("AAA", 2)
    add_members("BBB", 1)

    done(patch_membership(1, "AAA", {"expires_at": FUTURE}))

    assert [memberships_of(2)[0]["expires_at"], memberships_of(1)[1]["expires_at"]] == [None, None]


def test_change_is_written_with_the_caller_and_the_new_end(member):
    done(patch_membership(1, "AAA", {"expires_at": FUTURE}, actor=MIRA))

    written = history_of(1)[-1]
    assert (written["operation"], written["action"], written["reason"]) == ("U", "lifetime_changed", "manual")
    assert (written["actor"], written["expires_at"], written["slug"]) == (MIRA, FUTURE, "AAA")


def test_same_end_again_is_answered_and_writes_nothing(member, owner):
    done(patch_membership(1, "AAA", {"expires_at": FUTURE}))
    before = rows(owner)

    answer = patch_membership(1, "AAA", {"expires_at": FUTURE})

    assert (answer.status, rows(owner)) == (200, before)


@pytest.mark.parametrize(("user_id", "slug"), [(1, "BBB"), (1, "NONE"), (2, "AAA"), (2**63 - 1, "AAA")])
def test_absent_membership_is_404(member, nothing_changed, user_id, slug):
    answer = patch_membership(user_id, slug, {"ttl": 60})

    assert (answer.status, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.json["type"] == "urn:segmentation:problem:membership-unknown"


@pytest.mark.parametrize("body", [{"ttl": 60}, {"ttl": None}, {"expires_at": FUTURE}], ids=["ttl", "null", "instant"])
def test_expired_membership_cannot_be_revived(owner, body):
    expired_membership(owner)

    assert patch_membership(1, "AAA", body).status == 404
    assert memberships_of(1) == []


def test_removed_membership_is_404(member):
    done(change(1, delete=("AAA",)))

    assert patch_membership(1, "AAA", {"ttl": 60}).status == 404


def test_membership_of_a_deleted_user_is_404(member):
    done(delete_user(1))

    assert patch_membership(1, "AAA", {"ttl": 60}).status == 404


def test_renamed_segment_is_found_by_its_new_slug_only(member):
    done(patch_segment("AAA", {"slug": "CCC"}))

    assert patch_membership(1, "AAA", {"ttl": 60}).status == 404
    assert patch_membership(1, "CCC", {"ttl": 60}).json["slug"] == "CCC"


@pytest.mark.parametrize(
    "body",
    [
        {"ttl": 60, "expires_at": FUTURE},
        {"ttl": None, "expires_at": FUTURE},
        {"expires_at": None},
        {},
    ],
    ids=["both", "null-and-instant", "null-instant", "none"],
)
def test_body_without_exactly_one_lifetime_is_422(member, nothing_changed, body):
    answer = patch_membership(1, "AAA", body)

    assert (answer.status, answer.locations) == (422, ["body"])


@pytest.mark.parametrize("instant", ["2020-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_end_in_the_past_is_422(member, nothing_changed, instant):
    answer = patch_membership(1, "AAA", {"expires_at": instant})

    assert (answer.status, answer.locations) == (422, ["body.expires_at"])


def test_end_before_now_and_after_the_entry_is_422(member, owner):
    owner.execute("delete from memberships")
    owner.execute("insert into memberships values (1, 1, now() - interval '1 day', now() + interval '1 day')")
    hour_ago = datetime.now(UTC) - timedelta(hours=1)

    answer = patch_membership(1, "AAA", {"expires_at": hour_ago.isoformat()})

    assert (answer.status, answer.locations) == (422, ["body.expires_at"])


@pytest.mark.parametrize(
    ("member_name", "value"),
    [
        *[("ttl", ttl) for ttl in (0, -1, 315_360_001, 2**63 - 1, 1.5, "60", True, [60])],
        *[("expires_at", instant) for instant in ("2999-01-31", "2999-01-31T12:00:00", "infinity", "", 1893456000)],
    ],
)
def test_invalid_lifetime_is_422_at_its_member(member, nothing_changed, member_name, value):
    answer = patch_membership(1, "AAA", {member_name: value})

    assert (answer.status, answer.locations) == (422, [f"body.{member_name}"])


@pytest.mark.parametrize("ttl", [1, 315_360_000])
def test_ttl_at_its_bounds_is_accepted(member, ttl):
    assert patch_membership(1, "AAA", {"ttl": ttl}).status == 200
