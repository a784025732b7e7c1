"""The transitions of a membership: each state, each action on it, and the state after."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from psycopg.errors import CheckViolation

from segmentation.contract.problems import MembershipUnknown, RequestInvalid
from segmentation.contract.requests import LifetimeChange
from segmentation.database import errors
from segmentation.domain import expiry, memberships
from tests.reads import segments_of

SLUG = "AVITO_30"
SHORT, LONG = 3600, 7200


@pytest.fixture
def patch(connection):
    def change_lifetime(**lifetime):
        try:
            return memberships.change_lifetime(connection, 1, SLUG, LifetimeChange(**lifetime), actor="analyst")
        except MembershipUnknown:
            return "unknown"

    return change_lifetime


@pytest.fixture
def state(connection):
    """Return the state of the membership in the reads."""

    def read():
        active = segments_of(connection, 1)
        if not active:
            return "absent"
        if active[0].expires_at is None:
            return "permanent"
        return "short" if active[0].expires_at < datetime.now(UTC) + timedelta(seconds=SHORT + 60) else "long"

    return read


@pytest.fixture
def reach(make_segments, change, expire):
    """Bring the membership into a state."""

    def bring(wanted):
        make_segments(SLUG)
        if wanted == "permanent":
            change(1, add_segments=[SLUG])
        elif wanted == "removed":
            change(1, add_segments=[SLUG])
            change(1, delete_segments=[SLUG])
        elif wanted in ("short", "expired"):
            change(1, add_segments=[SLUG], ttl=SHORT)
        if wanted == "expired":
            expire(1, SLUG)

    return bring


@pytest.fixture
def do(connection, change, patch, state):
    """The possible actions. Each returns its answer."""
    return {
        "add": lambda: change(1, add_segments=[SLUG]).segments_added,
        "add with ttl": lambda: change(1, add_segments=[SLUG], ttl=LONG).segments_added,
        "patch ttl": lambda: patch(ttl=LONG),
        "patch to null": lambda: patch(ttl=None),
        "remove": lambda: change(1, delete_segments=[SLUG]).segments_deleted,
        "sweep": partial(expiry.sweep, connection, go_on=lambda: True),
        "read": state,
    }


CHANGED = "changed"
TRANSITIONS = [
    # state, action, answer, state after, written
    ("permanent", "add", 0, "permanent", []),
    ("permanent", "add with ttl", 0, "permanent", []),
    ("permanent", "patch ttl", CHANGED, "long", ["U manual"]),
    ("permanent", "patch to null", CHANGED, "permanent", []),
    ("permanent", "remove", 1, "absent", ["D manual"]),
    ("permanent", "sweep", 0, "permanent", []),
    ("permanent", "read", "permanent", "permanent", []),
    ("short", "add", 0, "short", []),
    ("short", "add with ttl", 0, "short", []),
    ("short", "patch ttl", CHANGED, "long", ["U manual"]),
    ("short", "patch to null", CHANGED, "permanent", ["U manual"]),
    ("short", "remove", 1, "absent", ["D manual"]),
    ("short", "sweep", 0, "short", []),
    ("short", "read", "short", "short", []),
    ("expired", "add", 1, "permanent", ["D ttl", "I manual"]),
    ("expired", "add with ttl", 1, "long", ["D ttl", "I manual"]),
    ("expired", "patch ttl", "unknown", "absent", []),
    ("expired", "patch to null", "unknown", "absent", []),
    ("expired", "remove", 0, "absent", ["D ttl"]),
    ("expired", "sweep", 1, "absent", ["D ttl"]),
    ("expired", "read", "absent", "absent", []),
    ("removed", "add", 1, "permanent", ["I manual"]),
    ("removed", "add with ttl", 1, "long", ["I manual"]),
    ("removed", "patch ttl", "unknown", "absent", []),
    ("removed", "patch to null", "unknown", "absent", []),
    ("removed", "remove", 0, "absent", []),
    ("removed", "sweep", 0, "absent", []),
    ("removed", "read", "absent", "absent", []),
]


@pytest.mark.parametrize(
    ("before", "action", "answer", "after", "written"), TRANSITIONS, ids=[f"{row[0]}, {row[1]}" for row in TRANSITIONS]
)
def test_transition(reach, do, state, history, before, action, answer, after, written):
    reach(before)
    known = len(history())

    answered = do[action]()

    assert (CHANGED if isinstance(answered, memberships.Membership) else answered) == answer
    assert state() == after
    assert [f"{row['operation']} {row['reason']}" for row in history()[known:]] == written


def test_second_membership_outlasts_the_end_of_the_first(make_segments, change, connection, state):
    make_segments(SLUG)
    end = datetime.now(UTC) + timedelta(seconds=3)
    change(1, add_segments=[SLUG], expires_at=end.isoformat())
    change(1, delete_segments=[SLUG])
    change(1, add_segments=[SLUG])

    connection.execute("select pg_sleep(extract(epoch from %s - clock_timestamp()))", (end,))
    expiry.sweep(connection, go_on=lambda: True)

    assert state() == "permanent"


def test_changed_lifetime_keeps_the_instant_of_entry(reach, patch, connection):
    reach("short")
    [before] = segments_of(connection, 1)

    changed = patch(ttl=LONG)

    assert changed.added_at == before.added_at
    assert changed.expires_at > before.expires_at


def test_changed_lifetime_is_written_with_the_new_end(reach, patch, history):
    reach("short")

    changed = patch(expires_at="2031-01-01T00:00:00Z")

    assert history()[-1]["expires_at"] == changed.expires_at == datetime(2031, 1, 1, tzinfo=UTC)


def test_lifetime_change_is_dated_at_the_instant_from_which_it_counts(reach, patch, history):
    reach("permanent")

    changed = patch(ttl=SHORT)

    assert history()[-1]["executed_at"] == changed.expires_at - timedelta(seconds=SHORT)


def test_second_lifetime_change_in_a_transaction_has_its_own_instant(reach, patch, connection, history):
    reach("permanent")

    with connection.transaction():
        changed = patch(ttl=SHORT)
        connection.execute("update memberships set expires_at = expires_at + interval '1 day'")

    assert [row["operation"] for row in history()] == ["I", "U", "U"]
    assert history()[-1]["executed_at"] > changed.expires_at - timedelta(seconds=SHORT)


def test_lifetime_in_the_past_is_refused_and_changes_nothing(reach, patch, state, history):
    reach("permanent")

    with pytest.raises(CheckViolation) as caught:
        patch(expires_at="2020-01-01T00:00:00Z")

    assert isinstance(errors.problem_of(caught.value), RequestInvalid)
    assert state() == "permanent"
    assert len(history()) == 1
