"""Schedules under races: several runs at once, and requests while a step is applied."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest
from psycopg.errors import LockNotAvailable

from segmentation.contract.problems import SegmentUnknown, StepsPending
from segmentation.contract.requests import SegmentChange
from segmentation.database import transactions
from segmentation.database.connection import connect
from segmentation.domain import change_log, schedule, segments
from tests import law
from tests.integration.test_write_order import await_blocked
from tests.schedules import pass_hours, plan, run, statuses

SLUG = "AVITO_30"
ROUNDS = 5
RUNS = 8


@pytest.fixture
def at_once(empty_database):
    """Run functions at the same moment, each with a connection of its own. Return their results."""

    def run_all(*functions):
        barrier = threading.Barrier(len(functions))

        def run_one(function):
            with connect(empty_database.url) as own:
                barrier.wait(timeout=60)
                return transactions.retry_aborted(partial(function, own))

        with ThreadPoolExecutor(len(functions)) as pool:
            return [*pool.map(run_one, functions)]

    return run_all


@pytest.fixture
def due(connection, owner, make_segments, arrive):
    """Create a segment with a step that is due, and two that are not."""
    arrive(20)

    def make(slug):
        make_segments(slug)
        plan(connection, slug, 50, 60, 70)
        owner.execute(
            """
            update segment_steps
               set due_at = segment_steps.due_at - interval '1 hour'
              from segments
             where segments.segment_id = segment_steps.segment_id and segments.slug = %s
            """,
            (slug,),
        )

    return make


def set_percent(slug, percent):
    return lambda own: segments.update(own, slug, SegmentChange(user_percent=percent), actor="hand").steps_cancelled


def percents_set(connection, slug):
    """The authors and the percents of the changes of a segment, oldest first."""
    changes = change_log.list_changes(connection, slug, before="", limit=100).changes[::-1]
    return [(change.actor, change.after["user_percent"]) for change in changes[1:]]


def test_runs_at_once_apply_each_step_once(connection, due, at_once):
    slugs = [f"AVITO_{number}" for number in range(ROUNDS)]
    for slug in slugs:
        due(slug)

    at_once(*[run] * RUNS)

    assert [statuses(connection, slug) for slug in slugs] == [["applied", "pending", "pending"]] * ROUNDS
    assert [percents_set(connection, slug) for slug in slugs] == [[("planner", 50)]] * ROUNDS
    law.check(connection)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_percent_by_hand_wins_over_a_step_at_the_same_moment(connection, due, at_once, number):
    due(SLUG)

    [cancelled, *_] = at_once(set_percent(SLUG, 10), run, run)

    was_first = cancelled == 3
    assert statuses(connection, SLUG) == ["cancelled" if was_first else "applied", "cancelled", "cancelled"]
    expected = [("hand", 10)] if was_first else [("planner", 50), ("hand", 10)]
    assert percents_set(connection, SLUG) == expected


@pytest.mark.parametrize("number", range(ROUNDS))
def test_step_that_a_request_cancels_at_the_same_moment_is_applied_or_cancelled(connection, due, at_once, number):
    due(SLUG)

    [cancelled, *_] = at_once(lambda own: schedule.cancel(own, SLUG).steps_cancelled, run, run)

    was_first = cancelled == 3
    assert statuses(connection, SLUG) == ["cancelled" if was_first else "applied", "cancelled", "cancelled"]
    assert percents_set(connection, SLUG) == ([] if was_first else [("planner", 50)])


@pytest.mark.parametrize("number", range(ROUNDS))
def test_deletion_at_the_same_moment_leaves_no_step_pending(connection, owner, due, at_once, number):
    due(SLUG)

    at_once(lambda own: segments.delete(own, SLUG, actor="hand"), run, run)

    left = owner.execute("select from segment_steps where status = 'pending'").rowcount
    assert left == 0
    assert owner.execute("select from memberships").rowcount == 0


def test_of_plans_at_once_one_is_kept(connection, make_segments, at_once):
    make_segments(SLUG)

    def try_to_plan(own):
        with suppress(StepsPending):
            return plan(own, SLUG, 10, 20)

    planned = at_once(*[try_to_plan] * RUNS)

    assert [each is not None for each in planned].count(True) == 1
    assert statuses(connection, SLUG) == ["pending", "pending"]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_plan_at_the_moment_of_the_deletion_is_refused_or_cancelled(owner, make_segments, at_once, number):
    make_segments(SLUG)

    def try_to_plan(own):
        with suppress(SegmentUnknown):
            plan(own, SLUG, 10)

    at_once(try_to_plan, lambda own: segments.delete(own, SLUG, actor="hand"))

    assert owner.execute("select from segment_steps where status = 'pending'").rowcount == 0


@pytest.mark.direct(reason="watches what its session waits for")
def test_step_that_waits_for_a_percent_by_hand_is_not_applied_after_it(
    connection, superuser, owner, due, empty_database
):
    due(SLUG)
    with connect(empty_database.url) as own, ThreadPoolExecutor(1) as pool:
        with superuser.transaction():
            superuser.execute("select hold_segment(segment_id), cancel_steps(segment_id) from segments")
            waiting = pool.submit(run, own)
            await_blocked(superuser, waiting)
        waiting.result(timeout=60)

    assert statuses(connection, SLUG) == ["cancelled"] * 3
    assert percents_set(connection, SLUG) == []


def test_step_of_a_locked_segment_stays_pending_and_delays_no_other(connection, superuser, due):
    due(SLUG)
    due("AVITO_50")

    with superuser.transaction():
        superuser.execute("select hold_segment(segment_id) from segments where slug = %s", (SLUG,))
        run(connection)

    assert (statuses(connection, SLUG)[0], statuses(connection, "AVITO_50")[0]) == ("pending", "applied")
    run(connection)
    assert statuses(connection, SLUG)[0] == "applied"


def test_run_beside_writers_deadlocks_with_none(connection, owner, make_segments, change, at_once):
    make_segments(SLUG, "AVITO_50")
    for user in range(1, 9):
        change(user, add_segments=[SLUG, "AVITO_50"])
    plan(connection, SLUG, *range(1, 61))
    plan(connection, "AVITO_50", *range(1, 61))
    has_ended = threading.Event()

    def apply_all(own):
        try:
            for _ in range(30):
                pass_hours(owner, 1)
                run(own)
        finally:
            has_ended.set()

    def write(own):
        while not has_ended.is_set():
            with suppress(LockNotAvailable):
                set_percent("AVITO_50", 50)(own)

    at_once(apply_all, write)

    assert set(statuses(connection, SLUG)) == {"applied", "pending"}
    law.check(connection)
