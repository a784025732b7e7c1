"""Due steps: the minute's run changes the percent of each segment whose step is due."""

import psycopg
import pytest
from psycopg import errors, sql

from segmentation.contract.requests import SegmentChange
from segmentation.domain import change_log, due_steps, schedule, segments
from segmentation.domain.rollouts import percent
from segmentation.jobs import queue
from segmentation.runtime import metrics
from tests import schedules
from tests.integration.fix_jobs import NO_TIME_LIMIT
from tests.schedules import pass_hours, plan, run, statuses, steps_of

SLUG = "AVITO_30"


@pytest.fixture
def messages(monkeypatch):
    """The jobs whose workers were requested."""
    sent = []
    monkeypatch.setattr(queue, "send", sent.append)
    return sent


@pytest.fixture
def small_requests(monkeypatch, messages):
    """Let a job make more than two changes."""
    monkeypatch.setattr(percent, "MOST_CHANGES", 2)


@pytest.fixture
def segment(make_segments, arrive):
    arrive(100)
    make_segments(SLUG)


@pytest.fixture(autouse=True)
def no_metrics():
    metrics.begin()


def changes(connection, slug=SLUG):
    return change_log.list_changes(connection, slug, before="", limit=100).changes


def percent_of(connection, slug=SLUG):
    return segments.get(connection, slug).user_percent


def test_step_that_is_not_due_stays_pending(connection, segment):
    plan(connection, SLUG, 10)

    run(connection)

    assert (statuses(connection, SLUG), percent_of(connection)) == (["pending"], None)


def test_due_step_sets_the_percent_of_its_segment(connection, owner, segment, automatic_members):
    plan(connection, SLUG, 10, 50)
    pass_hours(owner, 1)

    run(connection)

    assert statuses(connection, SLUG) == ["applied", "pending"]
    assert (percent_of(connection), len(automatic_members(SLUG))) == (10, 10)
    assert metrics._values == {"StepsApplied": 1, "RolloutUsersAdded": 10}


def test_step_of_a_lower_percent_releases_members(connection, owner, segment, set_percent, automatic_members):
    set_percent(SLUG, 50)
    plan(connection, SLUG, 0)
    pass_hours(owner, 1)

    run(connection)

    assert (percent_of(connection), automatic_members(SLUG)) == (0, set())


def test_steps_one_after_another_are_all_applied(connection, owner, segment, automatic_members):
    plan(connection, SLUG, 10, 30, 20)
    members = []
    for _ in range(3):
        pass_hours(owner, 1)
        run(connection)
        members.append(len(automatic_members(SLUG)))

    assert (statuses(connection, SLUG), members) == (["applied"] * 3, [10, 30, 20])


def test_after_an_outage_only_the_newest_due_step_is_applied(connection, owner, segment, automatic_members):
    plan(connection, SLUG, 90, 80, 10, 100)
    pass_hours(owner, 3)

    run(connection)

    assert statuses(connection, SLUG) == ["skipped", "skipped", "applied", "pending"]
    assert len(automatic_members(SLUG)) == 10
    assert [change.after for change in changes(connection)[:-1]] == [{"user_percent": 10}]


def test_each_segment_has_a_newest_step(connection, owner, segment, make_segments):
    make_segments("AVITO_50")
    plan(connection, SLUG, 10, 20)
    plan(connection, "AVITO_50", 30, 40)
    pass_hours(owner, 2)

    run(connection)

    assert (percent_of(connection), percent_of(connection, "AVITO_50")) == (20, 40)


def test_change_log_names_the_planner_and_the_step(connection, owner, segment):
    [step] = plan(connection, SLUG, 10, comment="ticket 4711")
    pass_hours(owner, 1)

    run(connection)

    [applied] = steps_of(connection, SLUG)
    newest = changes(connection)[0]
    assert (newest.actor, newest.comment, newest.step_id) == ("planner", "ticket 4711", step.step_id)
    assert (newest.users_added, newest.before, newest.after) == (10, {"user_percent": None}, {"user_percent": 10})
    assert applied.at < applied.applied_at <= newest.changed_at


def test_change_by_hand_names_no_step(connection, segment, set_percent):
    set_percent(SLUG, 10)

    assert {change.step_id for change in changes(connection)} == {None}


def test_history_of_the_members_has_the_planner_and_the_comment(connection, owner, segment):
    plan(connection, SLUG, 1, comment="ticket 4711")
    pass_hours(owner, 1)

    run(connection)

    rows = owner.execute("select actor, reason, comment from history join causes using (cause_id)").fetchall()
    assert rows == [("planner", "percent", "ticket 4711")]


def test_step_of_the_same_percent_restores_the_share(connection, owner, segment, set_percent, arrive):
    set_percent(SLUG, 10)
    plan(connection, SLUG, 10)
    pass_hours(owner, 1)

    run(connection)

    assert (statuses(connection, SLUG), len(changes(connection))) == (["applied"], 2)


def test_second_run_applies_nothing_more(connection, owner, segment):
    plan(connection, SLUG, 10)
    pass_hours(owner, 1)
    run(connection)
    before = changes(connection)

    run(connection)

    assert changes(connection) == before


def test_run_without_time_left_applies_nothing(connection, owner, segment):
    plan(connection, SLUG, 10)
    pass_hours(owner, 1)

    due_steps.run(connection, go_on=lambda: False)

    assert statuses(connection, SLUG) == ["pending"]


def test_step_with_many_changes_is_a_job(connection, owner, segment, small_requests, messages):
    plan(connection, SLUG, 10, comment="ticket 4711")
    pass_hours(owner, 1)

    run(connection)

    [step] = steps_of(connection, SLUG)
    assert (step.status, messages) == ("applied", [step.job_id])
    assert changes(connection)[0].job_id == step.job_id
    rows = owner.execute("select jobs.actor, comment from jobs join causes using (cause_id)").fetchall()
    assert rows == [("planner", "ticket 4711")]


def test_step_whose_rollout_is_a_job_waits_for_the_job_before_it(
    connection, owner, segment, small_requests, deliver, automatic_members
):
    plan(connection, SLUG, 10, 20)
    pass_hours(owner, 1)
    run(connection)
    pass_hours(owner, 1)

    run(connection)

    first, second = steps_of(connection, SLUG)
    assert (first.status, second.status, percent_of(connection)) == ("applied", "pending", 10)
    deliver(first.job_id, **NO_TIME_LIMIT)
    run(connection)
    [_, second] = steps_of(connection, SLUG)
    deliver(second.job_id, **NO_TIME_LIMIT)
    assert (second.status, len(automatic_members(SLUG))) == ("applied", 20)


def test_waiting_step_gives_way_to_a_newer_one(connection, owner, segment, small_requests, deliver):
    plan(connection, SLUG, 10, 20, 30)
    pass_hours(owner, 1)
    run(connection)
    pass_hours(owner, 1)
    run(connection)
    pass_hours(owner, 1)
    deliver(steps_of(connection, SLUG)[0].job_id, **NO_TIME_LIMIT)

    run(connection)

    assert statuses(connection, SLUG) == ["applied", "skipped", "applied"]


def test_small_step_does_not_wait_for_a_job(connection, owner, segment, small_requests, automatic_members):
    plan(connection, SLUG, 10, 0)
    pass_hours(owner, 1)
    run(connection)
    pass_hours(owner, 1)

    run(connection)

    assert statuses(connection, SLUG) == ["applied", "applied"]
    assert (percent_of(connection), automatic_members(SLUG)) == (0, set())


def test_step_after_a_failed_job_does_not_wait(connection, owner, segment, small_requests):
    plan(connection, SLUG, 10, 20)
    pass_hours(owner, 1)
    run(connection)
    owner.execute("update jobs set status = 'failed', error = 'x', finished_at = now()")
    pass_hours(owner, 1)

    run(connection)

    assert statuses(connection, SLUG) == ["applied", "applied"]


@pytest.fixture
def refusing(owner, segment):
    """Refuse each percent above 50."""
    owner.execute("alter table segments add constraint at_most_half check (user_percent <= 50)")
    yield
    owner.execute("alter table segments drop constraint at_most_half")


def test_step_that_fails_is_failed_and_counted(connection, owner, refusing):
    plan(connection, SLUG, 60)
    pass_hours(owner, 1)

    run(connection)

    assert (statuses(connection, SLUG), percent_of(connection)) == (["failed"], None)
    assert metrics._values == {"StepsFailed": 1}


def test_older_step_is_not_applied_after_a_failed_one(connection, owner, refusing):
    plan(connection, SLUG, 40, 60, 50)
    pass_hours(owner, 2)

    run(connection)
    run(connection)

    assert (statuses(connection, SLUG), percent_of(connection)) == (["skipped", "failed", "pending"], None)


def test_step_after_a_failed_one_is_applied(connection, owner, refusing):
    plan(connection, SLUG, 60, 50)
    pass_hours(owner, 1)
    run(connection)
    pass_hours(owner, 1)

    run(connection)

    assert (statuses(connection, SLUG), percent_of(connection)) == (["failed", "applied"], 50)


def test_failed_step_delays_no_other_segment(connection, owner, refusing, make_segments):
    make_segments("AVITO_50")
    plan(connection, SLUG, 60)
    plan(connection, "AVITO_50", 30)
    pass_hours(owner, 1)

    run(connection)

    assert (statuses(connection, SLUG), statuses(connection, "AVITO_50")) == (["failed"], ["applied"])


def test_step_stays_pending_while_the_database_is_away(connection, owner, segment, monkeypatch):
    plan(connection, SLUG, 10)
    pass_hours(owner, 1)
    monkeypatch.setattr(segments, "set_percent", raising(psycopg.OperationalError("away")))

    with pytest.raises(psycopg.OperationalError):
        run(connection)

    assert (statuses(connection, SLUG), percent_of(connection)) == (["pending"], None)


def test_step_whose_statement_takes_too_long_is_failed(connection, owner, segment, monkeypatch):
    plan(connection, SLUG, 10)
    pass_hours(owner, 1)
    monkeypatch.setattr(segments, "set_percent", raising(errors.QueryCanceled("timeout")))

    run(connection)

    assert statuses(connection, SLUG) == ["failed"]


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


def test_percent_by_hand_cancels_the_pending_steps(connection, owner, segment):
    plan(connection, SLUG, 10, 20, 30)
    pass_hours(owner, 1)
    run(connection)

    changed = segments.update(connection, SLUG, SegmentChange(user_percent=50), actor="analyst")

    assert changed.steps_cancelled == 2
    assert statuses(connection, SLUG) == ["applied", "cancelled", "cancelled"]


@pytest.mark.parametrize("by_hand", [10, 0, None])
def test_each_percent_by_hand_cancels_also_the_same_one_again(connection, segment, set_percent, by_hand):
    set_percent(SLUG, 10)
    plan(connection, SLUG, 20)

    assert set_percent(SLUG, by_hand).steps_cancelled == 1
    assert statuses(connection, SLUG) == ["cancelled"]


def test_due_step_is_not_applied_after_a_percent_by_hand(connection, owner, segment, set_percent):
    plan(connection, SLUG, 10)
    pass_hours(owner, 1)
    set_percent(SLUG, 50)

    run(connection)

    assert (statuses(connection, SLUG), percent_of(connection)) == (["cancelled"], 50)


def test_renaming_and_describing_cancel_no_step(connection, owner, segment):
    plan(connection, SLUG, 10)
    change = SegmentChange(slug="AVITO_50", description="new", owner="growth")

    assert segments.update(connection, SLUG, change, actor="analyst").steps_cancelled is None

    pass_hours(owner, 1)
    run(connection)
    assert (statuses(connection, "AVITO_50"), percent_of(connection, "AVITO_50")) == (["applied"], 10)


def test_deletion_of_the_segment_cancels_its_steps(connection, owner, segment, make_segments):
    plan(connection, SLUG, 10)
    pass_hours(owner, 1)
    segments.delete(connection, SLUG, actor="analyst")
    make_segments(SLUG)

    run(connection)

    assert owner.execute("select status from segment_steps").fetchall() == [("cancelled",)]
    assert (statuses(connection, SLUG), percent_of(connection)) == ([], None)


@pytest.mark.parametrize(
    "statement", ["set user_percent = 5", "set user_percent = null", "set deleted_at = next_moment()"]
)
def test_plain_sql_cancels_the_steps_too(connection, owner, segment, set_percent, statement):
    set_percent(SLUG, 10)
    plan(connection, SLUG, 20)

    owner.execute(f"update segments {statement}".encode())

    assert owner.execute("select status from segment_steps").fetchall() == [("cancelled",)]


def test_update_by_plain_sql_of_anything_else_cancels_no_step(connection, owner, segment):
    plan(connection, SLUG, 20)

    owner.execute("update segments set slug = 'AVITO_50', user_percent = user_percent")

    assert statuses(connection, "AVITO_50") == ["pending"]


def test_refused_change_cancels_no_step(connection, segment, make_segments):
    make_segments("AVITO_50")
    plan(connection, SLUG, 10)

    with pytest.raises(segments.SlugTaken):
        segments.update(connection, SLUG, SegmentChange(slug="AVITO_50", user_percent=1), actor="analyst")

    assert statuses(connection, SLUG) == ["pending"]


def test_run_that_dies_before_its_commit_leaves_nothing_behind(connection, owner, segment):
    """The step, its status and its row of the change log are one transaction."""
    plan(connection, SLUG, 10)
    pass_hours(owner, 1)

    with connection.transaction(force_rollback=True):
        run(connection)
        assert statuses(connection, SLUG) == ["applied"]

    assert (statuses(connection, SLUG), percent_of(connection)) == (["pending"], None)
    assert len(changes(connection)) == 1


def test_erasure_keeps_the_comment_that_a_step_has(connection, owner, make_segments, change):
    make_segments(SLUG)
    plan(connection, SLUG, 100, 0, comment="ticket 4711")
    change(1)
    pass_hours(owner, 1)
    run(connection)
    owner.execute("delete from segment_changes")

    owner.execute("delete from memberships")
    owner.execute("delete from users")
    owner.execute("select erase_history(1)")

    assert owner.execute("select comment from causes").fetchall() == [("ticket 4711",)]


IMPOSSIBLE = [
    ("set user_percent = 100.01", "segment_steps_percent_range"),
    ("set status = 'done'", "segment_steps_known_status"),
    ("set status = 'applied'", "segment_steps_applied_at_an_instant"),
    ("set job_id = gen_random_uuid()", "segment_steps_job_of_an_applied_step"),
]


@pytest.mark.parametrize(("assignment", "constraint"), IMPOSSIBLE)
def test_database_refuses_an_impossible_step(connection, owner, segment, assignment, constraint):
    plan(connection, SLUG, 10)

    with pytest.raises(errors.CheckViolation) as refused:
        owner.execute(sql.SQL("update segment_steps {}").format(sql.SQL(assignment)))

    assert refused.value.diag.constraint_name == constraint


def test_database_refuses_pending_steps_less_than_a_minute_apart(connection, owner, segment):
    plan(connection, SLUG, 10)

    with pytest.raises(errors.ExclusionViolation):
        owner.execute(
            """
            insert into segment_steps (segment_id, due_at, user_percent, actor)
            select segment_id, due_at + interval '59 seconds', 20, 'planner' from segment_steps
            """
        )


def test_cancelled_steps_leave_their_minutes_free(connection, segment):
    plan(connection, SLUG, 10)
    schedule.cancel(connection, SLUG)

    schedules.plan(connection, SLUG, 10)

    assert statuses(connection, SLUG) == ["cancelled", "pending"]
