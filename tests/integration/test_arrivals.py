"""Users who arrive after a percent was set are enrolled at once. The share is exact, and the chance is equal."""

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from math import ceil, floor

import psycopg
import pytest

from segmentation.contract.requests import NewSegment, SegmentChange
from segmentation.database.connection import connect
from segmentation.domain import segments, users
from segmentation.domain.rollouts import arrivals
from segmentation.domain.rollouts import percent as rollout_percent
from tests.limited import lock_timeout

UNITS = 10_000


@pytest.mark.parametrize("percent", [0, 0.01, 10, 33.33, 50, 67, 99.99, 100])
def test_share_is_exact_after_every_arrival(connection, create, automatic_members, percent):
    create("ROLLOUT", percent)

    for number in range(1, 61):
        users.create(connection, number, actor="backend")

        exact = number * round(percent * 100) / UNITS
        assert floor(exact) <= len(automatic_members("ROLLOUT")) <= ceil(exact)


def test_share_stays_exact_when_users_arrive_after_existing_ones(arrive, create, automatic_members):
    arrive(7)
    create("ROLLOUT", 30)

    arrive(43, after=7)

    assert len(automatic_members("ROLLOUT")) == 15


def test_share_stays_exact_after_a_changed_percent(arrive, create, set_percent, automatic_members):
    arrive(13)
    create("ROLLOUT", 30)
    arrive(20, after=13)
    set_percent("ROLLOUT", 60)

    arrive(67, after=33)

    assert len(automatic_members("ROLLOUT")) == 60


def test_membership_write_that_names_a_new_user_enrols_them(make_segments, create, change, slugs_of, history):
    make_segments("OTHER")
    create("ROLLOUT", 100)

    changed = change(1, add_segments=["OTHER"])

    assert changed.segments_added == 1
    assert slugs_of(1) == ["OTHER", "ROLLOUT"]
    assert {(row["slug"], row["reason"], row["actor"]) for row in history(1)} == {
        ("OTHER", "manual", "analyst"),
        ("ROLLOUT", "percent", "analyst"),
    }


def test_existing_user_is_not_an_arrival(connection, arrive, create, automatic_members):
    arrive(10)
    create("ROLLOUT", 10)
    before = automatic_members("ROLLOUT")

    for user_id in [*range(1, 11)] * 3:
        users.create(connection, user_id, actor="backend")

    assert automatic_members("ROLLOUT") == before


def test_new_user_added_by_hand_is_a_manual_member(create, change, history):
    create("ROLLOUT", 100)

    changed = change(1, add_segments=["ROLLOUT"])

    assert changed.segments_added == 1
    assert [row["reason"] for row in history(1)] == ["manual"]


def test_new_user_removed_by_hand_stays_out(create, change, set_percent, history):
    create("ROLLOUT", 50)

    changed = change(1, delete_segments=["ROLLOUT"])
    set_percent("ROLLOUT", 100)

    assert (changed.segments_deleted, history(1)) == (0, [])


def exact(users, percent):
    """Return the permitted numbers of automatic members for a percent."""
    share = users * round(percent * 100) / UNITS
    return {floor(share), ceil(share)}


@pytest.fixture
def roll_back(empty_database):
    """Let users arrive in a transaction that is rolled back."""

    def arrive_in_vain(count):
        with connect(empty_database.url) as own, own.transaction(force_rollback=True):
            own.execute("insert into users (user_id) select 1000000 + generate_series(1, %s)", (count,))

    return arrive_in_vain


@pytest.mark.parametrize("percent", [0.01, 10, 33.33, 50, 67, 99.99, 100])
def test_share_is_exact_again_after_rolled_back_arrivals_are_repaired(
    connection, create, arrive, roll_back, automatic_members, percent
):
    create("ROLLOUT", percent)
    there = 0
    for lost in (1, 30, 2, 17, 5):
        arrive(11, after=there)
        roll_back(lost)
        there += 11

    arrivals.repair(connection)
    # those who arrived are at most so many too few or too many: later arrivals make up for them
    arrive(1000, after=there)

    assert len(automatic_members("ROLLOUT")) in exact(there + 1000, percent)


def test_repair_has_an_effect_on_the_next_arrivals_only(connection, create, arrive, roll_back, automatic_members):
    create("ROLLOUT", 50)
    arrive(10)
    roll_back(40)
    before = automatic_members("ROLLOUT")

    arrivals.repair(connection)
    arrive(90, after=10)

    assert automatic_members("ROLLOUT") & set(range(1, 11)) == before
    assert len(automatic_members("ROLLOUT")) == 50


def test_repair_that_is_repeated_changes_nothing(connection, owner, create, arrive, roll_back):
    create("ROLLOUT", 33)
    arrive(10)
    roll_back(10)
    state = "select base_users, base_arrivals, taken, until_base from rollouts"

    arrivals.repair(connection)
    repaired = owner.execute(state).fetchall()
    arrivals.repair(connection)

    assert owner.execute(state).fetchall() == repaired


def test_gaps_before_a_percent_was_set_are_no_part_of_its_share(
    connection, create, arrive, roll_back, set_percent, automatic_members
):
    create("ROLLOUT", 10)
    roll_back(25)
    arrive(10)
    set_percent("ROLLOUT", 30)
    arrive(10, after=10)

    arrivals.repair(connection)
    arrive(10, after=20)

    assert len(automatic_members("ROLLOUT")) == 9


def test_repair_gives_way_to_an_arrival_that_stays_open(connection, empty_database, owner, create, roll_back, arrive):
    create("ROLLOUT", 50)
    base = owner.execute("select base_arrivals from rollouts").fetchall()
    roll_back(3)
    with connect(empty_database.url) as slow, slow.transaction():
        users.create(slow, 1, actor="backend")

        arrivals.repair(connection)
        arrive(1, after=1)

    assert owner.execute("select base_arrivals from rollouts").fetchall() == base


def test_arrival_that_fails_leaves_a_gap_that_is_repaired(connection, create, arrive, automatic_members):
    create("ROLLOUT", 50)

    for number in range(1, 21):
        with pytest.raises(psycopg.errors.CheckViolation):
            users.create(connection, -number, actor="backend")
        users.create(connection, number, actor="backend")
    arrivals.repair(connection)
    arrive(80, after=20)

    assert len(automatic_members("ROLLOUT")) == 50


def test_arrival_updates_no_row_so_an_old_snapshot_does_not_slow_it(connection, create):
    for number in range(3):
        create(f"ROLLOUT_{number}", 100)

    updates = "select sum(n_tup_upd)::bigint from pg_stat_xact_user_tables"
    with connection.transaction():
        before = connection.execute(updates).fetchall()
        users.create(connection, 1, actor="backend")
        assert connection.execute(updates).fetchall() == before


def test_arrivals_do_not_wait_for_each_other(connection, empty_database, create):
    create("ROLLOUT", 50)
    with connect(empty_database.url) as slow, slow.transaction():
        users.create(slow, 1, actor="backend")

        with lock_timeout(connection, "10ms"):
            for number in range(2, 12):
                users.create(connection, number, actor="backend")


def test_percent_that_cannot_be_set_for_an_open_arrival_lets_others_arrive(
    connection, empty_database, create, set_percent, at_once
):
    create("ROLLOUT", 50)
    with connect(empty_database.url) as slow, slow.transaction():
        users.create(slow, 1, actor="backend")

        with ThreadPoolExecutor(1) as pool, connect(empty_database.url) as other:
            setting = pool.submit(set_percent, "ROLLOUT", 60)
            arrived = itertools.count(2)
            while not setting.done():
                users.create(other, next(arrived), actor="backend")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                setting.result()

    assert next(arrived) > 3


def test_new_users_do_not_wait_while_a_change_of_percent_waits_for_an_open_arrival(connection, empty_database, create):
    create("ROLLOUT", 50)
    with connect(empty_database.url) as slow, slow.transaction():
        users.create(slow, 1, actor="backend")

        with ThreadPoolExecutor(1) as pool, connect(empty_database.url) as other:
            settling = pool.submit(arrivals.settle, other)
            arrived = itertools.count(2)
            while not settling.done():
                with lock_timeout(connection, "10ms"):
                    users.create(connection, next(arrived), actor="backend")
            with pytest.raises(psycopg.errors.LockNotAvailable, match="a user is still arriving"):
                settling.result()


def test_all_users_below_the_settled_number_are_visible(connection, empty_database, create):
    create("ROLLOUT", 50)
    with connect(empty_database.url) as slow, slow.transaction():
        users.create(slow, 1, actor="backend")
        users.create(connection, 2, actor="backend")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            arrivals.settle(connection)

    settled = arrivals.settle(connection)

    [(newest,)] = connection.execute("select max(ordinal) from users").fetchall()
    assert settled == newest + 1
    assert connection.execute("select from users where ordinal < %s", (settled,)).rowcount == 2


def test_existing_id_takes_no_number(connection, owner, create):
    create("ROLLOUT", 50)

    for user_id in (1, 2, 1, 2, 3, 3):
        users.create(connection, user_id, actor="backend")

    assert owner.execute("select max(ordinal) - min(ordinal) from users").fetchone() == (2,)


def test_enrolment_of_an_arrival_names_the_actor_who_set_the_percent_and_the_percent(connection, owner, create, arrive):
    create("ROLLOUT", 50)
    segments.update(connection, "ROLLOUT", SegmentChange(user_percent=100), actor="marketing")

    users.create(connection, 1, actor="backend")

    assert owner.execute("select actor, percent from history").fetchall() == [("marketing", 100)]


def test_enrolments_and_releases_name_the_percent_that_caused_them(owner, create, arrive, set_percent):
    arrive(4)
    create("ROLLOUT", 50)

    set_percent("ROLLOUT", 75)
    set_percent("ROLLOUT", 25)

    entries = owner.execute("select action_id, percent from history order by history_id").fetchall()
    assert entries == [(1, 50), (1, 50), (1, 75), (2, 25), (2, 25)]


def test_entry_by_hand_has_no_percent(owner, create, change):
    create("ROLLOUT", 50)

    change(1, add_segments=["ROLLOUT"])

    assert owner.execute("select actor, percent from history").fetchall() == [("analyst", None)]


def test_deleted_segments_and_those_without_a_percent_enrol_no_arrivals(
    connection, make_segments, create, arrive, history
):
    make_segments("PLAIN")
    create("DELETED", 100)
    segments.delete(connection, "DELETED", actor="analyst")

    arrive(5)

    assert history() == []


def test_share_is_exact_after_concurrent_arrivals(empty_database, create, automatic_members, at_once):
    create("HALF", 50)
    create("TENTH", 10)

    def register(connection, first):
        for number in range(first, 400, 8):
            users.create(connection, number + 1, actor="backend")

    at_once(*[lambda own, first=first: register(own, first) for first in range(8)])

    assert (len(automatic_members("HALF")), len(automatic_members("TENTH"))) == (200, 40)


def test_percents_set_while_users_arrive_stay_exact(connection, create, automatic_members, at_once):
    create("ROLLOUT", 20)

    def register(own, first):
        for number in range(first, 300, 3):
            users.create(own, number + 1, actor="backend")

    def raise_percent(own):
        for percent in range(21, 51):
            segments.update(own, "ROLLOUT", SegmentChange(user_percent=percent), actor="analyst")

    at_once(raise_percent, *[lambda own, first=first: register(own, first) for first in range(3)])

    assert len(automatic_members("ROLLOUT")) == 150


@pytest.fixture
def arriving(empty_database, monkeypatch):
    """Insert users after a change of percent has counted the users and before it enrols them."""
    count_users = rollout_percent._count_users
    with connect(empty_database.url) as other:

        def arrive(count, *, after):
            def count_then_let_users_arrive(*arguments):
                monkeypatch.setattr(rollout_percent, "_count_users", count_users)
                counts = count_users(*arguments)
                for number in range(count):
                    users.create(other, after + number + 1, actor="backend")
                return counts

            monkeypatch.setattr(rollout_percent, "_count_users", count_then_let_users_arrive)

        yield arrive


@pytest.mark.parametrize("late", [1, 2, 3])
@pytest.mark.parametrize(
    "percents",
    [
        pytest.param(range(20, 81), id="raised"),
        pytest.param(range(80, 19, -1), id="lowered"),
        pytest.param([50] * 61, id="repeated"),
        pytest.param([50, 0, 0] * 20, id="taken-out"),
    ],
)
def test_share_is_exact_when_users_arrive_while_a_percent_is_set(
    arrive, arriving, create, set_percent, automatic_members, percents, late
):
    arrive(99)
    create("ROLLOUT", percents[0])

    for there, percent in zip(itertools.count(99 + late, late), percents, strict=False):
        arriving(late, after=there - late)
        set_percent("ROLLOUT", percent)

        assert floor(there * percent / 100) <= len(automatic_members("ROLLOUT")) <= ceil(there * percent / 100)


def test_raised_percent_keeps_the_users_enrolled_while_it_was_set(arrive, arriving, create, set_percent, history):
    arrive(99)
    create("ROLLOUT", 20)

    for there, percent in zip(itertools.count(99, 2), range(21, 81), strict=False):
        arriving(2, after=there)
        set_percent("ROLLOUT", percent)

    assert {row["operation"] for row in history()} == {"I"}


@pytest.mark.parametrize("percent", [10, 90])
def test_answer_counts_the_users_who_arrived_while_a_percent_was_set(
    arrive, arriving, create, set_percent, history, percent
):
    arrive(100)
    create("ROLLOUT", 50)
    arriving(20, after=100)

    changed = set_percent("ROLLOUT", percent)

    done = Counter(row["operation"] for row in history() if row["percent"] == percent)
    assert (changed.users_added, changed.users_deleted) == (done["I"], done["D"])


def test_only_late_arrivals_are_read_even_without_table_statistics(connection, superuser, arrive, create):
    def read():
        [(rows,)] = connection.execute(
            "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'memberships'"
        ).fetchall()
        return rows

    superuser.execute("vacuum (analyze) memberships")  # with statistics of an empty table
    arrive(5000)
    create("ROLLOUT", 100)
    [(segment_id, since)] = superuser.execute("select segment_id, base_arrivals from rollouts").fetchall()
    arrive(50, after=5000)

    with connection.transaction():
        before = read()
        assert arrivals.count(connection, segment_id, since, since + 50) == arrivals.NewUsers(50, 50)
        assert read() - before == 50


def test_arrival_reads_only_segments_that_have_a_percent(connection, superuser, create):
    def read():
        [(rows,)] = connection.execute(
            "select (seq_tup_read + idx_tup_fetch)::integer from pg_stat_xact_user_tables where relname = 'segments'"
        ).fetchall()
        return rows

    create("ROLLOUT", 50)
    superuser.execute(
        """
        with stopped as (
            insert into segments (slug, user_percent)
            select 'STOPPED_' || number, case when number % 2 = 0 then 0 end from generate_series(1, 6000) number
            returning segment_id)
        insert into rollouts (segment_id) select stopped.segment_id from stopped
        """
    )
    superuser.execute("vacuum (analyze) segments, rollouts")

    with connection.transaction():
        before = read()
        users.create(connection, 1, actor="backend")
        assert read() - before < 10


def test_segments_created_while_users_arrive_are_exact(create, automatic_members, at_once):
    def register(own, first):
        for number in range(first, 300, 3):
            users.create(own, number + 1, actor="backend")

    def create_many(own):
        for number in range(10):
            segments.create(own, NewSegment(slug=f"ROLLOUT_{number}", user_percent=30), actor="analyst")

    at_once(create_many, *[lambda own, first=first: register(own, first) for first in range(3)])

    assert [len(automatic_members(f"ROLLOUT_{number}")) for number in range(10)] == [90] * 10


def test_no_arrival_position_is_favoured(connection, create, arrive, owner):
    for number in range(300):
        create(f"ROLLOUT_{number}", 30)

    arrive(20)

    counts = [
        count
        for (count,) in owner.execute(
            "select count(memberships.user_id) from users left join memberships using (user_id) group by users.user_id"
        )
    ]
    assert sum(counts) == 300 * 6
    assert all(45 < count < 135 for count in counts)  # 90 expected, limits beyond five standard deviations
