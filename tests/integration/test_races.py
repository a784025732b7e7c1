"""Concurrent writers, on real connections that start at the same moment.

ADD_ROUNDS sets how often sixty-four of them add the same user to the same segment.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import psycopg
import pytest

from segmentation.contract.problems import SegmentUnknown, SlugTaken, UserUnknown
from segmentation.contract.requests import MembershipChange, NewSegment, SegmentChange, SegmentUsersChange
from segmentation.database import transactions
from segmentation.database.connection import connect
from segmentation.domain import expiry, memberships, segment_users, segments, users

ROUNDS = int(os.environ.get("ADD_ROUNDS", "5"))
WRITERS = 64


def changing(**members):
    wanted = MembershipChange.model_validate(members)

    def run(connection):
        try:
            return memberships.change(connection, wanted, actor="analyst")
        except SegmentUnknown:
            return None

    return run


def replayed(rows):
    """Replay a history. The entries and exits of a user and segment must alternate in the order of time."""
    members = {}
    for row in rows:
        key = (row["user_id"], row["slug"])
        since, inside = members.get(key, (row["executed_at"], False))
        assert inside == (row["operation"] == "D"), f"{key} does not alternate"
        assert row["executed_at"] >= since, f"{key} goes back in time"
        members[key] = (row["executed_at"], row["operation"] == "I")
    return {key for key, (_, inside) in members.items() if inside}


def test_concurrent_equal_adds_make_one_membership_and_one_entry(make_segments, empty_database, owner):
    make_segments("AVITO_30")
    barrier = threading.Barrier(WRITERS)

    def add_each_user(_):
        with connect(empty_database.url) as own:
            return [add_when_all_are_ready(own, barrier, user_id) for user_id in range(1, ROUNDS + 1)]

    with ThreadPoolExecutor(WRITERS) as pool:
        answers = [*zip(*pool.map(add_each_user, range(WRITERS)), strict=True)]

    assert {tuple(sorted(added)) for added in answers} == {(0,) * (WRITERS - 1) + (1,)}
    assert owner.execute("select count(*), count(distinct user_id) from history").fetchall() == [(ROUNDS, ROUNDS)]
    assert owner.execute("select from memberships").rowcount == ROUNDS


def add_when_all_are_ready(connection, barrier, user_id):
    barrier.wait(timeout=60)
    return changing(user_id=user_id, add_segments=["AVITO_30"])(connection).segments_added


def test_adds_and_removals_of_one_membership_replay_to_its_state(make_segments, at_once, history, slugs_of):
    make_segments("AVITO_30")
    add = changing(user_id=1, add_segments=["AVITO_30"])
    remove = changing(user_id=1, delete_segments=["AVITO_30"])

    for _ in range(10):
        at_once(*[add, remove] * 8)

    assert replayed(history()) == {(1, slug) for slug in slugs_of(1)}


def test_writers_naming_segments_in_opposite_order_do_not_deadlock(make_segments, at_once, slugs_of):
    slugs = [f"SEGMENT_{number:02}" for number in range(20)]
    make_segments(*slugs)

    for _ in range(5):
        answers = at_once(
            *[changing(user_id=user_id, add_segments=slugs) for user_id in (1, 2)] * 4,
            *[changing(user_id=user_id, delete_segments=slugs[::-1]) for user_id in (2, 1)] * 4,
        )
        assert None not in answers

    assert len(slugs_of(1)) in (0, 20)


def test_segment_deleted_while_users_are_added_has_no_members(make_segments, at_once, owner, history):
    for _ in range(10):
        make_segments("AVITO_30")

        at_once(
            *[changing(user_id=user_id, add_segments=["AVITO_30"]) for user_id in range(1, 13)],
            partial(segments.delete, slug="AVITO_30", actor="analyst"),
        )

    assert owner.execute("select from memberships").rowcount == 0
    assert replayed(history()) == set()


def test_history_and_state_agree_after_a_user_is_deleted_while_added(make_segments, at_once, history, slugs_of):
    make_segments("AVITO_30", "AVITO_50")

    for _ in range(10):
        at_once(changing(user_id=1, add_segments=["AVITO_30", "AVITO_50"]))
        at_once(
            *[changing(user_id=1, add_segments=["AVITO_30", "AVITO_50"])] * 6,
            lambda connection: users.delete(connection, 1, erase=False, actor="support"),
        )

    assert replayed(history()) == {(1, slug) for slug in slugs_of(1)}


def test_one_of_many_concurrent_creations_gets_the_slug(at_once):
    def create(connection):
        try:
            return segments.create(connection, NewSegment(slug="AVITO_30"), actor="analyst")
        except SlugTaken:
            return None

    answers = at_once(*[create] * 20)

    assert len([answer for answer in answers if answer]) == 1


def test_two_renames_that_swap_slugs_are_refused_without_a_deadlock(make_segments, at_once):
    def rename(slug, new):
        def run(connection):
            try:
                return transactions.retry_aborted(
                    lambda: segments.update(connection, slug, SegmentChange(slug=new), actor="analyst")
                )
            except SlugTaken:
                return None

        return run

    make_segments("AVITO_30", "AVITO_50")

    for _ in range(5):
        assert at_once(rename("AVITO_30", "AVITO_50"), rename("AVITO_50", "AVITO_30")) == [None, None]


def test_users_created_concurrently_get_distinct_ids(at_once, connection):
    for user_id in (2, 3, 5, 8):
        users.create(connection, user_id, actor="analyst")

    answers = at_once(*[lambda connection: users.create(connection, None, actor="analyst")] * 30)

    ids = [user_id for user_id, is_new in answers if is_new]
    assert len(set(ids)) == 30
    assert not {2, 3, 5, 8} & set(ids)


def test_rename_while_users_are_added_keeps_every_member(make_segments, at_once, connection):
    make_segments("AVITO_30")

    answers = at_once(
        *[changing(user_id=user_id, add_segments=["AVITO_30"]) for user_id in range(1, 13)],
        lambda own: segments.update(own, "AVITO_30", SegmentChange(slug="AVITO_50"), actor="analyst") and None,
    )

    added = len([answer for answer in answers if answer])
    assert segments.get(connection, "AVITO_50").members == added


@pytest.fixture
def after_the_lock(connection, monkeypatch):
    """Call a function after a deletion has locked its user and before it continues."""

    def arrange(call):
        execute = connection.execute

        def run(statement, *arguments):
            result = execute(statement, *arguments)
            if "for update" in statement:
                call()
            return result

        monkeypatch.setattr(connection, "execute", run)

    return arrange


def test_user_who_arrives_while_being_deleted_as_unknown_is_kept(connection, owner, after_the_lock):
    def arrive():
        owner.execute("insert into users (user_id) values (1)")
        owner.execute("begin")
        owner.execute("select from users for no key update")

    after_the_lock(arrive)

    with pytest.raises(UserUnknown):
        users.delete(connection, 1, erase=False, actor="support")


def test_user_who_arrives_while_being_erased_as_unknown_keeps_the_history(
    make_segments, connection, owner, after_the_lock, history
):
    make_segments("AVITO_30")
    after_the_lock(lambda: changing(user_id=1, add_segments=["AVITO_30"])(owner))

    with pytest.raises(UserUnknown):
        users.delete(connection, 1, erase=True, actor="support")

    assert [row["operation"] for row in history(1)] == ["I"]


def test_user_who_returns_while_the_old_history_is_erased_keeps_the_new_one(make_segments, connection, owner, history):
    make_segments("AVITO_30")
    changing(user_id=1, add_segments=["AVITO_30"])(connection)
    users.delete(connection, 1, erase=False, actor="support")

    with owner.transaction():
        changing(user_id=1, add_segments=["AVITO_30"])(owner)
        users.delete(connection, 1, erase=True, actor="support")

    assert [row["operation"] for row in history(1)] == ["I"]


def changing_users(slug="AVITO_30", **members):
    """Change many users of a segment, with the retries of a request."""
    wanted = SegmentUsersChange.model_validate(members)

    def run(connection):
        try:
            return transactions.retry_aborted(partial(segment_users.change, connection, slug, wanted, actor="analyst"))
        except SegmentUnknown:
            return None

    return run


def test_changes_of_many_users_in_opposite_orders_do_not_deadlock(make_segments, at_once, history, connection):
    make_segments("AVITO_30", "AVITO_50")
    many = [*range(1, 101)]

    for _ in range(3):
        answers = at_once(
            *[changing_users(add_users=many), changing_users(add_users=many[::-1])] * 2,
            *[changing_users("AVITO_50", add_users=many[::-1]), changing_users(delete_users=many[50:])] * 2,
            *[changing(user_id=user_id, add_segments=["AVITO_50", "AVITO_30"]) for user_id in (1, 50, 100)],
        )
        assert None not in answers

    assert replayed(history()) == members_of(connection, "AVITO_30", "AVITO_50")


def test_many_users_added_at_once_enter_once_each(make_segments, at_once, owner):
    make_segments("AVITO_30")
    many = [*range(1, 1001)]

    answers = at_once(*[changing_users(add_users=many)] * 4)

    assert sorted(answer.users_added for answer in answers) == [0, 0, 0, 1000]
    assert owner.execute("select from history").rowcount == 1000


def test_history_and_state_agree_after_many_users_change_beside_other_writers(
    make_segments, at_once, history, connection, owner
):
    make_segments("AVITO_30")
    many = [*range(1, 51)]
    everyone, nobody = SegmentChange(user_percent=100), SegmentChange(user_percent=0)

    for _ in range(5):
        at_once(changing_users(add_users=many[:25], ttl=1))
        owner.execute("select pg_sleep_until(max(expires_at)) from memberships where expires_at is not null")
        at_once(
            *[changing_users(add_users=many), changing_users(delete_users=many[::-1])],
            lambda own: expiry.sweep(own, go_on=lambda: True),
            *[giving_way(segments.update, "AVITO_30", each, actor="analyst") for each in (everyone, nobody)],
            *[giving_way(users.delete, user_id, erase=False, actor="support") for user_id in (1, 25, 50)],
        )

    assert replayed(history()) == members_of(connection, "AVITO_30")


def giving_way(write, *arguments, **named):
    """Write as a request does. It may be refused because of the other writers."""

    def run(connection):
        with suppress(UserUnknown, psycopg.errors.LockNotAvailable):
            transactions.retry_aborted(partial(write, connection, *arguments, **named))

    return run


def members_of(connection, *slugs):
    return {
        (member.user_id, slug)
        for slug in slugs
        for member in segments.list_members(connection, slug, after=0, limit=1000).users
    }
