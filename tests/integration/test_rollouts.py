"""A percent rollout is exact and stable, respects manual decisions, and writes the history."""

from contextlib import suppress
from math import ceil, floor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.contract.problems import SlugTaken, UserUnknown
from segmentation.contract.requests import LifetimeChange, NewSegment, SegmentChange
from segmentation.domain import expiry, memberships, segments
from segmentation.domain import users as domain_users
from tests.emptying import empty
from tests.reads import segments_of


def shares(users, percent):
    """Return the permitted numbers of automatic members for a percent."""
    exact = users * round(percent * 100) / 10_000
    return {floor(exact), ceil(exact)}


@pytest.mark.parametrize(
    ("there", "percent", "wanted"),
    [(200, 50, 100), (10, 30, 3), (1000, 0.1, 1), (7, 100, 7), (300, 67, 201), (400, 33.25, 133), (0, 50, 0)],
)
def test_whole_share_is_met_exactly(arrive, create, automatic_members, there, percent, wanted):
    arrive(there)

    created = create("ROLLOUT", percent)

    assert (created.users_added, len(automatic_members("ROLLOUT"))) == (wanted, wanted)


def test_share_that_is_not_whole_is_rounded_by_chance(arrive, create):
    arrive(4)

    counts = [create(f"ROLLOUT_{number}", 10).users_added for number in range(200)]

    assert set(counts) == {0, 1}
    assert 45 < sum(counts) < 115  # 80 expected, limits at five standard deviations


def test_enrolment_reads_no_membership_table_for_each_user(connection, superuser, arrive, create, set_percent):
    def scans():
        [(scans,)] = connection.execute(
            "select seq_scan from pg_stat_xact_user_tables where relname = 'memberships'"
        ).fetchall()
        return scans

    superuser.execute("vacuum (analyze) memberships")  # with statistics of an empty table
    arrive(200)
    create("ROLLOUT", None)

    with connection.transaction():
        before = scans()
        assert set_percent("ROLLOUT", 10).users_added == 20
        assert scans() - before < 10


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(there=st.integers(0, 40), percents=st.lists(st.integers(0, 10_000).map(lambda units: units / 100), max_size=4))
def test_share_is_exact_after_each_change_of_the_percent(
    owner, arrive, create, set_percent, automatic_members, there, percents
):
    empty(owner)
    arrive(there)
    create("ROLLOUT", 20)

    for percent in percents:
        before = automatic_members("ROLLOUT")
        changed = set_percent("ROLLOUT", percent)

        now = automatic_members("ROLLOUT")
        assert len(now) in shares(there, percent)
        assert before <= now or now <= before
        assert (changed.users_added, changed.users_deleted) == (len(now - before), len(before - now))


def test_raised_percent_releases_no_user(arrive, create, set_percent, automatic_members):
    arrive(100)
    create("ROLLOUT", 10)
    before = automatic_members("ROLLOUT")

    set_percent("ROLLOUT", 40)

    assert before < automatic_members("ROLLOUT")


@pytest.mark.parametrize(("percent", "members"), [(60, 30), (50, 25), (40, 20), (100, 50), (0, 0)])
def test_percent_is_a_share_of_the_users_who_are_left(
    connection, arrive, create, set_percent, automatic_members, percent, members
):
    arrive(100)
    create("ROLLOUT", 50)
    for user_id in set(range(1, 101)) - automatic_members("ROLLOUT"):
        domain_users.delete(connection, user_id, erase=False, actor="support")

    changed = set_percent("ROLLOUT", percent)

    assert (changed.users_added, changed.users_deleted, len(automatic_members("ROLLOUT"))) == (0, 50 - members, members)


def test_share_is_exact_beside_deletions(empty_database, connection, arrive, create, set_percent, owner, at_once):
    arrive(400)
    create("ROLLOUT", 50)
    missed = []

    def set_percents(own):
        for percent in [*range(10, 90, 4), *range(90, 9, -4)]:
            with own.transaction():
                segments.update(own, "ROLLOUT", SegmentChange(user_percent=percent), actor="analyst")
                own.execute("select hold_user_deletions()")
                [(there, enrolled)] = own.execute(
                    """
                    select (select count(*) from users),
                           (select count(*) from memberships where memberships.source = 'percent')
                    """
                ).fetchall()
            if enrolled not in shares(there, percent):
                missed.append((percent, there, enrolled))

    def delete_users(own, first):
        for user_id in range(first, 300, 3):
            domain_users.delete(own, user_id, erase=False, actor="support")

    at_once(set_percents, *[lambda own, first=first: delete_users(own, first) for first in (1, 2, 3)])

    assert missed == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("percent"), st.none() | st.integers(0, 100)),
            st.tuples(st.just("delete"), st.integers(1, 60)),
            st.tuples(st.just("add"), st.integers(1, 60)),
            st.tuples(st.just("remove"), st.integers(1, 60)),
        ),
        max_size=12,
    ),
    percent=st.integers(0, 10_000).map(lambda units: units / 100),
)
def test_percent_is_exact_from_any_state(
    owner, connection, arrive, create, set_percent, change, automatic_members, steps, percent
):
    empty(owner)
    arrive(30)
    create("ROLLOUT", 20)
    for step, value in steps:
        if step == "percent":
            set_percent("ROLLOUT", value)
        elif step == "delete":
            with suppress(UserUnknown):
                domain_users.delete(connection, value, erase=False, actor="support")
        else:
            change(value, **{f"{step}_segments" if step == "add" else "delete_segments": ["ROLLOUT"]})

    set_percent("ROLLOUT", percent)

    [(there, fixed, candidates)] = owner.execute(
        """
        select count(*), count(*) filter (where memberships.source = 'percent' and rollout_overrides.included),
               count(*) filter (where memberships.user_id is null and rollout_overrides.included is not false)
          from users
          left join memberships on memberships.user_id = users.user_id
          left join rollout_overrides on rollout_overrides.user_id = users.user_id
        """
    ).fetchall()
    enrolled = len(automatic_members("ROLLOUT"))
    # users who were added by hand cannot be released, and those removed by hand cannot be enrolled
    assert (
        enrolled in shares(there, percent)
        or (enrolled > max(shares(there, percent)) and enrolled == fixed)
        or (enrolled < min(shares(there, percent)) and candidates == 0)
    )


def test_lowered_percent_releases_the_surplus(arrive, create, set_percent, automatic_members):
    arrive(100)
    create("ROLLOUT", 40)
    before = automatic_members("ROLLOUT")

    changed = set_percent("ROLLOUT", 10)

    assert (changed.users_added, changed.users_deleted) == (0, 30)
    assert automatic_members("ROLLOUT") < before


def test_percent_that_was_raised_and_lowered_has_the_users_it_had(arrive, create, set_percent, automatic_members):
    arrive(100)
    create("ROLLOUT", 10)
    before = automatic_members("ROLLOUT")

    set_percent("ROLLOUT", 40)
    set_percent("ROLLOUT", 10)

    assert automatic_members("ROLLOUT") == before


def test_same_percent_again_changes_nothing(arrive, create, set_percent):
    arrive(13)
    create("ROLLOUT", 33.33)

    changes = [set_percent("ROLLOUT", 33.33) for _ in range(10)]

    assert {(changed.users_added, changed.users_deleted) for changed in changes} == {(0, 0)}


def test_same_percent_again_makes_up_for_users_taken_out_by_hand(
    arrive, create, set_percent, automatic_members, change
):
    arrive(100)
    create("ROLLOUT", 10)
    gone = automatic_members("ROLLOUT")
    for user_id in gone:
        change(user_id, delete_segments=["ROLLOUT"])

    changed = set_percent("ROLLOUT", 10)

    assert (changed.users_added, len(automatic_members("ROLLOUT")), automatic_members("ROLLOUT") & gone) == (
        10,
        10,
        set(),
    )


def test_removed_percent_keeps_all_members_and_enrols_no_user(arrive, create, set_percent, automatic_members):
    arrive(10)
    create("ROLLOUT", 100)

    changed = set_percent("ROLLOUT", None)
    arrive(10, after=10)

    assert (changed.user_percent, changed.users_deleted) == (None, 0)
    assert automatic_members("ROLLOUT") == set(range(1, 11))


def test_percent_of_zero_after_none_takes_every_automatic_member_out(arrive, create, set_percent, automatic_members):
    arrive(10)
    create("ROLLOUT", 50)
    set_percent("ROLLOUT", None)

    assert set_percent("ROLLOUT", 0).users_deleted == 5
    assert automatic_members("ROLLOUT") == set()


def test_percent_after_none_is_compared_with_the_last_one(arrive, create, set_percent, automatic_members):
    arrive(100)
    create("ROLLOUT", 50)
    set_percent("ROLLOUT", None)

    assert set_percent("ROLLOUT", 50).users_deleted == 0
    set_percent("ROLLOUT", None)
    assert set_percent("ROLLOUT", 20).users_deleted == 30


def test_rename_leaves_the_percent_alone(connection, arrive, create, automatic_members):
    arrive(10)
    create("ROLLOUT", 50)

    changed = segments.update(connection, "ROLLOUT", SegmentChange(slug="RENAMED"), actor="analyst")

    assert (changed.user_percent, changed.users_added, len(automatic_members("RENAMED"))) == (50, 0, 5)


def test_segment_without_a_percent_can_be_given_one(arrive, make_segments, set_percent, automatic_members):
    arrive(10)
    make_segments("PLAIN")

    changed = set_percent("PLAIN", 30)

    assert (changed.user_percent, changed.users_added, len(automatic_members("PLAIN"))) == (30, 3, 3)


def test_members_added_by_hand_are_not_part_of_the_share(arrive, make_segments, set_percent, change, automatic_members):
    arrive(10)
    make_segments("ROLLOUT")
    change(1, add_segments=["ROLLOUT"])
    change(2, add_segments=["ROLLOUT"])

    set_percent("ROLLOUT", 50)

    assert len(automatic_members("ROLLOUT")) == 5
    assert not automatic_members("ROLLOUT") & {1, 2}


def test_member_added_by_hand_is_never_released(arrive, create, set_percent, change, slugs_of):
    arrive(10)
    create("ROLLOUT", 50)
    for user_id in range(1, 11):
        change(user_id, add_segments=["ROLLOUT"])

    set_percent("ROLLOUT", 0.01)

    assert [slugs_of(user_id) for user_id in range(1, 11)] == [["ROLLOUT"]] * 10


def test_user_removed_by_hand_stays_out(arrive, create, set_percent, change, slugs_of):
    arrive(10)
    create("ROLLOUT", 100)
    change(4, delete_segments=["ROLLOUT"])

    set_percent("ROLLOUT", 10)
    set_percent("ROLLOUT", 100)

    assert slugs_of(4) == []


def test_user_removed_by_hand_before_being_chosen_stays_out(arrive, create, set_percent, change, slugs_of):
    arrive(10)
    create("ROLLOUT", 0.01)
    change(4, delete_segments=["ROLLOUT"])

    set_percent("ROLLOUT", 100)

    assert slugs_of(4) == []


def test_user_removed_by_hand_while_there_is_no_percent_stays_out(arrive, create, set_percent, change, slugs_of):
    arrive(10)
    create("ROLLOUT", 100)
    set_percent("ROLLOUT", None)
    change(4, delete_segments=["ROLLOUT"])

    set_percent("ROLLOUT", 100)

    assert slugs_of(4) == []


def test_adding_by_hand_brings_a_removed_user_back(arrive, create, set_percent, change, slugs_of):
    arrive(10)
    create("ROLLOUT", 100)
    change(4, delete_segments=["ROLLOUT"])

    added = change(4, add_segments=["ROLLOUT"])
    set_percent("ROLLOUT", 10)

    assert added.segments_added == 1
    assert slugs_of(4) == ["ROLLOUT"]


def test_user_whose_lifetime_ended_may_be_enrolled_again(connection, arrive, create, set_percent, expire, history):
    arrive(1)
    create("ROLLOUT", 100)
    expire(1, "ROLLOUT")

    set_percent("ROLLOUT", 100)

    assert [(row["operation"], row["reason"]) for row in history(1)] == [
        ("I", "percent"),
        ("D", "ttl"),
        ("I", "percent"),
    ]


def test_history_shows_an_enrolment_with_its_reason(arrive, create, history):
    arrive(1)

    create("ROLLOUT", 100)

    [row] = history(1)
    assert (row["operation"], row["reason"], row["actor"], row["expires_at"]) == ("I", "percent", "analyst", None)


def test_history_shows_a_release_with_its_reason(arrive, create, set_percent, history):
    arrive(2)
    create("ROLLOUT", 100)

    set_percent("ROLLOUT", 50)

    [row] = [row for row in history() if row["operation"] == "D"]
    assert (row["reason"], row["actor"]) == ("percent", "analyst")


def test_sweep_removes_no_automatic_member(connection, arrive, create, automatic_members):
    arrive(10)
    create("ROLLOUT", 50)
    before = automatic_members("ROLLOUT")

    expiry.sweep(connection, go_on=lambda: True)

    assert automatic_members("ROLLOUT") == before


def test_enrolled_member_can_be_given_a_lifetime(connection, arrive, create):
    arrive(1)
    create("ROLLOUT", 100)

    memberships.change_lifetime(connection, 1, "ROLLOUT", LifetimeChange(ttl=60), actor="support")

    [membership] = segments_of(connection, 1)
    assert membership.expires_at is not None


def test_segment_created_again_starts_its_own_rollout(connection, arrive, create, change, automatic_members):
    arrive(10)
    create("ROLLOUT", 100)
    change(4, delete_segments=["ROLLOUT"])
    segments.delete(connection, "ROLLOUT", actor="analyst")

    create("ROLLOUT", 100)

    assert automatic_members("ROLLOUT") == set(range(1, 11))


def test_creation_with_a_taken_slug_enrols_no_user(connection, arrive, create, make_segments):
    arrive(10)
    make_segments("TAKEN")

    with pytest.raises(SlugTaken):
        create("TAKEN", 100)

    assert segments.get(connection, "TAKEN").members == 0


def test_answer_of_a_new_segment_has_its_percent(connection):
    created = segments.create(connection, NewSegment(slug="ROLLOUT", user_percent=12.34), actor="analyst")

    assert created.user_percent == 12.34


@pytest.mark.parametrize("by_hand", [0, 300])
def test_first_users_in_the_order_who_are_not_members_are_enrolled(
    owner, arrive, make_segments, set_percent, automatic_members, by_hand
):
    arrive(2000)
    make_segments("ROLLOUT")
    owner.execute("insert into rollouts (segment_id, salt) select segment_id, 42 from segments")
    order = [user_id for (user_id,) in owner.execute("select user_id from users order by rollout_rank(user_id, 42)")]
    owner.execute(
        """
        insert into memberships (user_id, segment_id, added_at)
        select unnest(%s::bigint[]), segments.segment_id, now() from segments
        """,
        (order[:by_hand],),
    )

    set_percent("ROLLOUT", 5)

    assert automatic_members("ROLLOUT") == set(order[by_hand : by_hand + 100])
