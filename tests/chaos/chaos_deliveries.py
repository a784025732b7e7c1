"""Messages of jobs arrive twice, late, or in another order."""

import itertools
from types import SimpleNamespace

import pytest

from functions.run_job.app import handler
from segmentation.domain import deletion, segments
from segmentation.domain.rollouts import job as rollout_job
from segmentation.domain.rollouts import percent
from segmentation.jobs import leases
from tests import law
from tests.chaos.killable_worker import delivery_of
from tests.integration.conftest import arrive as arrive
from tests.integration.conftest import automatic_members as automatic_members
from tests.integration.conftest import create as create
from tests.integration.conftest import set_percent as set_percent
from tests.integration.fix_jobs import NO_TIME_LIMIT
from tests.integration.fix_jobs import deliver as deliver
from tests.integration.fix_jobs import expected as expected
from tests.integration.fix_jobs import filled_month as filled_month
from tests.integration.fix_jobs import lines as lines
from tests.integration.fix_jobs import order as order
from tests.integration.fix_jobs import small_batches as small_batches

USERS = 200
ORDERS_OF_THREE = [*itertools.permutations(range(3))]


@pytest.fixture(autouse=True)
def small_limits(monkeypatch, service):
    monkeypatch.setattr(percent, "MOST_CHANGES", 10)
    monkeypatch.setattr(rollout_job, "BATCH_CHANGES", 7)
    monkeypatch.setattr(deletion, "MOST_MEMBERS", 10)
    monkeypatch.setattr(deletion, "BATCH_MEMBERS", 7)


@pytest.fixture
def percents(arrive, create, set_percent, aws):
    """The jobs of ten percent, then forty, then twenty. None has started."""
    arrive(USERS)
    return [create("AAA", 10).job_id, set_percent("AAA", 40).job_id, set_percent("AAA", 20).job_id]


def finished(connection, job_id):
    return leases.get(connection, job_id).finished_at is not None


@pytest.mark.parametrize("sequence", ORDERS_OF_THREE)
def test_percents_delivered_in_any_order_end_at_the_last_one(
    connection, percents, deliver, automatic_members, sequence
):
    for number in sequence:
        deliver(percents[number], **NO_TIME_LIMIT)

    assert len(automatic_members("AAA")) == USERS * 20 // 100
    assert all(finished(connection, job_id) for job_id in percents)
    law.check(connection)


@pytest.mark.parametrize("sequence", ORDERS_OF_THREE)
def test_percents_whose_steps_are_interleaved_end_at_the_last_one(
    connection, percents, deliver, automatic_members, sequence
):
    while not all(finished(connection, job_id) for job_id in percents):
        for number in sequence:
            deliver(percents[number], time_left=lambda: False)

    assert len(automatic_members("AAA")) == USERS * 20 // 100
    law.check(connection)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_percent_lowered_while_its_job_runs_ends_at_the_lower_one(
    connection, arrive, create, set_percent, deliver, automatic_members, aws, steps
):
    arrive(USERS)
    first = create("AAA", 50).job_id
    for _ in range(steps):
        deliver(first, time_left=lambda: False)

    second = set_percent("AAA", 30).job_id
    for job_id in (second, first, second):
        deliver(job_id, **NO_TIME_LIMIT)

    assert len(automatic_members("AAA")) == USERS * 30 // 100
    law.check(connection)


def test_event_that_names_a_job_several_times_does_it_once(connection, percents, automatic_members):
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)

    answer = handler(delivery_of(*map(str, [*percents, *percents, *percents])), context)

    assert answer == {"batchItemFailures": []}
    assert len(automatic_members("AAA")) == USERS * 20 // 100
    law.check(connection)


def test_late_message_of_a_finished_job_changes_nothing(connection, percents, deliver, aws):
    deliver(percents[2], time_left=lambda: False)
    [*_, late] = aws.messages()
    deliver(percents[2], **NO_TIME_LIMIT)
    ended = leases.get(connection, percents[2])

    deliver(late, **NO_TIME_LIMIT)

    assert leases.get(connection, percents[2]) == ended
    law.check(connection)


@pytest.mark.parametrize("rollout_first", [True, False])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_segment_deleted_while_its_rollout_waits_is_empty_in_either_order(
    connection, arrive, create, deliver, aws, rollout_first, steps
):
    arrive(USERS)
    rollout = create("AAA", 50).job_id
    for _ in range(steps):
        deliver(rollout, time_left=lambda: False)

    done = segments.delete(connection, "AAA", actor="analyst")
    ordered = [rollout, *([done.job_id] if hasattr(done, "job_id") else [])]
    for job_id in ordered if rollout_first else ordered[::-1]:
        deliver(job_id, **NO_TIME_LIMIT)

    assert connection.execute("select from memberships").rowcount == 0
    assert all(finished(connection, job_id) for job_id in ordered)
    law.check(connection)


def test_new_segment_under_a_deleted_slug_keeps_its_own_percent(
    connection, percents, create, deliver, automatic_members
):
    segments.delete(connection, "AAA", actor="analyst")
    successor = create("AAA", 30).job_id

    for job_id in [successor, *percents[::-1]]:
        deliver(job_id, **NO_TIME_LIMIT)

    assert len(automatic_members("AAA")) == USERS * 30 // 100
    law.check(connection)


@pytest.mark.parametrize("is_reversed", [True, False])
def test_report_ordered_twice_gives_two_equal_files(
    connection, filled_month, expected, order, deliver, lines, aws, is_reversed
):
    ordered = [order(), order()]

    for job_id in ordered[::-1] if is_reversed else ordered:
        deliver(job_id, **NO_TIME_LIMIT)

    assert [lines(job_id) for job_id in ordered] == [expected, expected]
    assert len(aws.names()) == 2


def test_concurrent_reports_do_not_mix(connection, filled_month, expected, order, deliver, lines, aws):
    ordered = [order(), order(slug="AVITO_30")]

    while not all(finished(connection, job_id) for job_id in ordered):
        for job_id in ordered:
            deliver(job_id, time_left=lambda: False)

    assert lines(ordered[0]) == expected
    assert lines(ordered[1]) == [line for line in expected if ",AVITO_30," in line]
    assert aws.uploads() == []
