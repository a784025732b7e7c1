"""Many users of one segment are changed in one transaction, each as POST /segment/user changes one."""

from datetime import UTC, datetime, timedelta

import pytest

from segmentation.contract.problems import RequestInvalid, SegmentUnknown
from segmentation.contract.requests import SegmentUsersChange
from segmentation.domain import segment_users, segments

HOUR = timedelta(hours=1)
PAST = datetime(2020, 1, 1, tzinfo=UTC)
NEW_YEAR = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture
def change_users(connection):
    """Change the users of AVITO_30 as 'analyst'. Return the numbers of users added and deleted."""

    def run(add=(), delete=(), **lifetime):
        wanted = SegmentUsersChange(add_users=[*add], delete_users=[*delete], **lifetime)
        changed = segment_users.change(connection, "AVITO_30", wanted, actor="analyst")
        return changed.users_added, changed.users_deleted

    return run


@pytest.fixture
def outcomes(connection):
    """What happens to each user, as an import asks it."""

    def run(add=(), delete=(), ttls=None, ends=None, reason="import"):
        rows = connection.execute(
            "select * from change_segment_users(1, %s::bigint[], %s::integer[], %s::timestamptz[], %s::bigint[], "
            "'importer', %s::reason)",
            ([*add], ttls, ends, [*delete], reason),
        )
        return dict(rows.fetchall())

    return run


@pytest.fixture
def members(connection):
    """The members of AVITO_30, and the end of each membership."""

    def run():
        page = segments.list_members(connection, "AVITO_30", after=0, limit=1000)
        return {member.user_id: member.expires_at for member in page.users}

    return run


@pytest.fixture(autouse=True)
def segment(make_segments):
    make_segments("AVITO_30")


def test_unknown_users_appear_and_enter(change_users, members, owner):
    assert change_users([2, 1]) == (2, 0)

    assert set(members()) == {1, 2}
    assert owner.execute("select from users").rowcount == 2


def test_unknown_user_who_is_removed_appears(change_users, owner):
    assert change_users(delete=[1]) == (0, 0)

    assert owner.execute("select user_id from users").fetchall() == [(1,)]


def test_users_enter_and_leave_in_one_transaction(change_users, members):
    change_users([1, 2])

    assert change_users([3], [1]) == (1, 1)

    assert set(members()) == {2, 3}


def test_repeated_user_counts_once(change_users):
    assert change_users([1, 1]) == (1, 0)
    assert change_users(delete=[1, 1]) == (0, 1)


def test_active_member_keeps_its_lifetime(change_users, members):
    change_users([1], ttl=3600)
    before = members()

    assert change_users([1]) == (0, 0)

    assert members() == before


def test_lifetime_holds_for_all_entries(change_users, members):
    change_users([1, 2], expires_at="2099-01-01T00:00:00Z")

    assert members() == {1: NEW_YEAR, 2: NEW_YEAR}


def test_lifetime_that_is_over_changes_nothing(change_users, members, owner):
    change_users([1])

    with pytest.raises(RequestInvalid, match=r"body\.expires_at: must be in the future"):
        change_users([1, 2], [3], expires_at="2020-01-01T00:00:00Z")

    assert set(members()) == {1}
    assert owner.execute("select from users").rowcount == 1


def test_unknown_segment_changes_nothing(connection, owner):
    with pytest.raises(SegmentUnknown):
        segment_users.change(connection, "UNKNOWN", SegmentUsersChange(add_users=[1]), actor="analyst")

    assert owner.execute("select from users").rowcount == 0


def test_expired_membership_ends_at_its_end_before_a_new_one_begins(change_users, expire, history, members):
    change_users([1], ttl=3600)
    expire(1, "AVITO_30")
    end = history(1)[0]["expires_at"]

    assert change_users([1]) == (1, 0)

    entry, exit_, again = history(1)
    assert (exit_["operation"], exit_["reason"], exit_["actor"], exit_["executed_at"]) == ("D", "ttl", "schedule", end)
    assert (again["operation"], again["actor"], again["expires_at"]) == ("I", "analyst", None)
    assert entry["executed_at"] < end < again["executed_at"]
    assert members() == {1: None}


def test_expired_membership_that_is_removed_is_not_counted(change_users, expire, history):
    change_users([1], ttl=3600)
    expire(1, "AVITO_30")

    assert change_users(delete=[1]) == (0, 0)

    assert [(row["operation"], row["reason"]) for row in history(1)] == [("I", "manual"), ("D", "ttl")]


def test_history_has_actor_and_reason(change_users, history):
    change_users([1])
    change_users(delete=[1])

    assert [(row["operation"], row["reason"], row["actor"]) for row in history(1)] == [
        ("I", "manual", "analyst"),
        ("D", "manual", "analyst"),
    ]


def test_each_user_has_an_outcome(change_users, outcomes):
    change_users([1, 2])

    assert outcomes([1, 3], [2, 4]) == {1: "already", 2: "removed", 3: "added", 4: "absent"}


def test_import_is_the_reason_of_entries_and_exits(outcomes, history):
    outcomes([1])
    outcomes(delete=[1])

    assert [(row["operation"], row["reason"], row["actor"]) for row in history()] == [
        ("I", "import", "importer"),
        ("D", "import", "importer"),
    ]


def test_each_entry_may_have_a_lifetime_of_its_own(outcomes, history, members):
    outcomes([1, 2, 3], ttls=[3600, None, None], ends=[None, NEW_YEAR, None])

    entered = {row["user_id"]: row["executed_at"] for row in history()}
    assert members() == {1: entered[1] + HOUR, 2: NEW_YEAR, 3: None}


def test_entry_whose_lifetime_is_over_alone_is_left_out(outcomes, members):
    assert outcomes([1, 2], ends=[PAST, None]) == {1: "over", 2: "added"}

    assert set(members()) == {2}


def test_percent_leaves_users_changed_by_hand(change_users, set_percent, members):
    set_percent("AVITO_30", 0)
    change_users([1, 2], [3])

    set_percent("AVITO_30", 100)
    assert set(members()) == {1, 2}

    set_percent("AVITO_30", 0)
    assert set(members()) == {1, 2}


def test_hand_counts_even_where_it_changes_nothing(arrive, change_users, set_percent, members):
    arrive(3)
    set_percent("AVITO_30", 100)

    assert change_users([1, 2]) == (0, 0)
    set_percent("AVITO_30", 0)

    assert set(members()) == {1, 2}


def test_new_users_enter_other_percent_segments_at_once(create, change_users, automatic_members):
    create("EVERYBODY", 100)

    change_users([1, 2], [3])

    assert automatic_members("EVERYBODY") == {1, 2, 3}


def test_new_users_are_not_enrolled_by_the_percent_of_the_segment(set_percent, change_users, history):
    set_percent("AVITO_30", 100)

    assert change_users([1], [2]) == (1, 0)

    assert [(row["user_id"], row["reason"]) for row in history()] == [(1, "manual")]
