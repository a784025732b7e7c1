"""A Lambda environment with a wrong clock. Only the database's clock decides about lifetimes."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fix_clock import wrong_clock as wrong_clock
from tests.functions.calls import call
from tests.functions.factories import change, create_segments, done, expired_membership, history_of, slugs_of

pytestmark = pytest.mark.usefixtures("service", "wrong_clock")
A_MINUTE = timedelta(minutes=1)


def remaining(owner):
    [(left,)] = owner.execute("select expires_at - now() from memberships").fetchall()
    return left


def from_now(distance):
    return (datetime.now(UTC) + distance).isoformat()


def test_ttl_counts_from_the_databases_now(owner):
    create_segments("AAA")

    done(change(1, add=("AAA",), ttl=60))

    assert timedelta(0) < remaining(owner) <= A_MINUTE


def test_new_ttl_counts_from_the_databases_now(owner):
    create_segments("AAA")
    done(change(1, add=("AAA",)))

    done(call("update_membership", {"ttl": 60}, path="/segment/user/1/AAA"))

    assert timedelta(0) < remaining(owner) <= A_MINUTE


def test_end_in_the_databases_future_is_accepted():
    create_segments("AAA")

    assert change(1, add=("AAA",), expires_at=from_now(A_MINUTE)).status == 200
    assert slugs_of(1) == ["AAA"]


def test_end_in_the_databases_past_is_refused():
    create_segments("AAA")

    assert change(1, add=("AAA",), expires_at=from_now(-A_MINUTE)).status == 422


def test_expired_membership_is_hidden_and_its_exit_is_shown(owner):
    expired_membership(owner)

    assert slugs_of(1) == []
    assert [operation["operation"] for operation in history_of(1)] == ["I", "D"]
