"""POST /segment/user: an entry may have a lifetime of its own, which replaces that of the request."""

from datetime import datetime, timedelta

import pytest

from tests.functions.calls import call
from tests.functions.factories import create_segments, done, memberships_of, rows
from tests.functions.keys import KEY, is_replayed, under

pytestmark = pytest.mark.usefixtures("service")
END, LATER = "2099-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
INVALID = [
    pytest.param({"slug": "BBB"}, "", id="no-lifetime"),
    pytest.param({"slug": "BBB", "ttl": 60, "expires_at": END}, "", id="two-lifetimes"),
    pytest.param({"slug": "BBB", "expires_at": None}, "", id="end-of-null"),
    pytest.param({"slug": "BBB", "ttl": 0}, ".ttl", id="ttl-0"),
    pytest.param({"slug": "BBB", "ttl": "60"}, ".ttl", id="text"),
    pytest.param({"slug": "B", "ttl": 60}, ".slug", id="slug"),
    pytest.param({"ttl": 60}, ".slug", id="no-slug"),
    pytest.param({"slug": "BBB", "ttl": 60, "user_id": 1}, ".user_id", id="unknown-member"),
    pytest.param({"slug": "BBB", "expires_at": "2020-01-01T00:00:00Z"}, ".expires_at", id="over"),
]


@pytest.fixture(autouse=True)
def segments(service):
    create_segments("AAA", "BBB", "CCC")


def add(*entries, headers=None, **members):
    return call("change_memberships", {"user_id": 1, "add_segments": [*entries], **members}, headers=headers)


def ends():
    return {membership["slug"]: membership["expires_at"] for membership in memberships_of(1)}


def test_entry_without_a_lifetime_has_that_of_the_request():
    answer = add("AAA", {"slug": "BBB", "expires_at": LATER}, expires_at=END)

    assert done(answer) == {"segments_added": 2, "segments_deleted": 0}
    assert ends() == {"AAA": END, "BBB": LATER}


def test_ttl_of_null_makes_an_entry_permanent():
    done(add({"slug": "AAA", "ttl": None}, "BBB", expires_at=END))

    assert ends() == {"AAA": None, "BBB": END}


def test_ttl_of_an_entry_counts_from_its_beginning():
    done(add({"slug": "AAA", "ttl": 3600}, "BBB"))

    [first, second] = memberships_of(1)
    lifetime = datetime.fromisoformat(first["expires_at"]) - datetime.fromisoformat(first["added_at"])
    assert (lifetime, second["expires_at"]) == (timedelta(hours=1), None)


def test_active_membership_keeps_its_lifetime():
    done(add("AAA"))

    assert done(add({"slug": "AAA", "expires_at": END})) == {"segments_added": 0, "segments_deleted": 0}

    assert ends() == {"AAA": None}


def test_first_of_two_equal_slugs_counts():
    done(add({"slug": "AAA", "expires_at": END}, {"slug": "AAA", "expires_at": LATER}))

    assert ends() == {"AAA": END}


def test_expired_membership_begins_again_with_the_lifetime_of_its_entry(superuser):
    done(add("AAA", "BBB", ttl=60))
    superuser.execute("set session_replication_role = replica")
    superuser.execute("update memberships set added_at = now() - interval '2 h', expires_at = now() - interval '1 h'")

    done(add({"slug": "BBB", "expires_at": LATER}, {"slug": "AAA", "expires_at": END}))

    assert ends() == {"AAA": END, "BBB": LATER}


@pytest.mark.parametrize(("entry", "location"), INVALID)
def test_invalid_entry_is_named_by_its_index_and_changes_nothing(owner, entry, location):
    before = rows(owner)

    answer = add("AAA", entry, "CCC")

    assert (answer.status, answer.locations) == (422, [f"body.add_segments.1{location}"])
    assert rows(owner) == before


def test_slug_of_an_entry_in_both_lists_is_422():
    answer = add({"slug": "AAA", "ttl": 60}, delete_segments=["AAA"])

    assert (answer.status, answer.json["slugs"]) == (422, ["AAA"])


def test_unknown_slug_of_an_entry_is_404():
    answer = add({"slug": "UNKNOWN", "ttl": 60}, "AAA")

    assert (answer.status, answer.json["slugs"]) == (404, ["UNKNOWN"])


def test_another_lifetime_of_an_entry_is_another_request():
    first = add({"slug": "AAA", "ttl": 60}, headers=under(KEY))

    assert is_replayed(add({"ttl": 60, "slug": "AAA", "expires_at": None}, headers=under(KEY)))
    assert first.status == 200
    assert add({"slug": "AAA", "ttl": 61}, headers=under(KEY)).locations == ["header.Idempotency-Key"]
