"""The schedule of a segment: POST, GET and DELETE /segment/{slug}/schedule."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.functions.calls import call
from tests.functions.factories import create_segments, create_users, done, get_segment, patch_segment, rows
from tests.functions.keys import is_replayed, under
from tests.functions.test_expire_memberships import run
from tests.schedules import pass_hours

pytestmark = pytest.mark.usefixtures("service")

NOW = datetime.now(UTC).replace(microsecond=0)
TOO_SOON = "2099-01-01T09:00:59.999999Z"
NINE, TEN, ELEVEN = (f"2099-01-01T{hour:02}:00:00Z" for hour in (9, 10, 11))
PAST = "2020-01-01T00:00:00Z"
PATH = "/segment/AAA/schedule"


def step(at, percent=10):
    return {"at": at, "user_percent": percent}


def plan(*steps, slug="AAA", headers=None, actor=None, **members):
    body = {"steps": [*steps], **members}
    return call("plan_steps", body, path=f"/segment/{slug}/schedule", headers=headers, actor=actor)


def schedule(slug="AAA", **query):
    return done(call("list_steps", path=f"/segment/{slug}/schedule", query=query))


def cancel(slug="AAA"):
    return call("cancel_steps", path=f"/segment/{slug}/schedule")


def minutes(count, *, apart=60):
    """That many instants in order, so many seconds apart."""
    first = datetime(2099, 1, 1, tzinfo=UTC)
    return [(first + timedelta(seconds=number * apart)).isoformat() for number in range(count)]


INVALID = [
    pytest.param({}, "body.steps", "required", id="nothing"),
    pytest.param({"steps": []}, "body.steps", "at least 1 item", id="no-step"),
    pytest.param({"steps": [step(at) for at in minutes(101)]}, "body.steps", "at most 100 items", id="101-steps"),
    pytest.param({"steps": None}, "body.steps", "list", id="null"),
    pytest.param({"steps": [NINE]}, "body.steps.0", "", id="no-object"),
    pytest.param({"steps": [{"at": NINE}]}, "body.steps.0.user_percent", "required", id="no-percent"),
    pytest.param({"steps": [step(NINE, None)]}, "body.steps.0.user_percent", "number", id="null-percent"),
    pytest.param({"steps": [step(NINE, 100.01)]}, "body.steps.0.user_percent", "100", id="above-100"),
    pytest.param({"steps": [step(NINE, 0.001)]}, "body.steps.0.user_percent", "steps of 0.01", id="thousandth"),
    pytest.param({"steps": [{"user_percent": 1}]}, "body.steps.0.at", "required", id="no-instant"),
    pytest.param({"steps": [step("2099-01-01")]}, "body.steps.0.at", "RFC 3339", id="date"),
    pytest.param({"steps": [step("2099-01-01T09:00:00")]}, "body.steps.0.at", "RFC 3339", id="no-offset"),
    pytest.param({"steps": [step(1)]}, "body.steps.0.at", "RFC 3339", id="number"),
    pytest.param({"steps": [step(PAST)]}, "body.steps.0.at", "in the future", id="past"),
    pytest.param({"steps": [step(PAST), step(NINE)]}, "body.steps.0.at", "in the future", id="first-past"),
    pytest.param({"steps": [step(TEN), step(NINE)]}, "body.steps.1.at", "a minute after", id="descending"),
    pytest.param({"steps": [step(NINE), step(NINE)]}, "body.steps.1.at", "a minute after", id="same-instant"),
    pytest.param(
        {"steps": [step(NINE), step(TOO_SOON)]},
        "body.steps.1.at",
        "a minute after",
        id="too-close",
    ),
    pytest.param(
        {"steps": [step(NINE), step("2099-01-01T10:00:30+01:00")]}, "body.steps.1.at", "a minute", id="other-offset"
    ),
    pytest.param({"steps": [step(NINE)], "actor": "x"}, "body.actor", "", id="unknown-member"),
    pytest.param({"steps": [{**step(NINE), "slug": "x"}]}, "body.steps.0.slug", "", id="unknown-member-of-a-step"),
]


def test_planned_steps_are_pending():
    create_segments("AAA")

    answer = plan(step(NINE, 10), step(TEN, 12.5), actor="mira", comment="ticket 4711")

    assert answer.status == 201
    first, second = answer.json["steps"]
    assert first == {
        "step_id": 1,
        "at": NINE,
        "user_percent": 10,
        "status": "pending",
        "actor": "mira",
        "comment": "ticket 4711",
        "applied_at": None,
        "job_id": None,
    }
    assert (second["at"], second["user_percent"]) == (TEN, 12.5)
    assert schedule() == {"steps": [first, second], "next_cursor": None}


def test_planning_changes_no_percent():
    create_segments("AAA")

    done(plan(step(NINE)))

    assert get_segment("AAA").json["user_percent"] is None


def test_hundred_steps_a_minute_apart_are_planned():
    create_segments("AAA")

    done(plan(*[step(at, 0.01) for at in minutes(100)]))

    assert len(schedule()["steps"]) == 100


@pytest.mark.parametrize(("body", "location", "rule"), INVALID)
def test_invalid_schedule_is_422_naming_the_member_and_plans_nothing(body, location, rule):
    create_segments("AAA")

    answer = call("plan_steps", body, path=PATH)

    assert (answer.status, answer.locations) == (422, [location]), answer.text
    assert rule in answer.json["errors"][0]["message"]
    assert schedule()["steps"] == []


def test_every_step_in_the_past_is_named():
    create_segments("AAA")

    answer = plan(step("2020-01-01T00:00:00Z"), step("2020-01-02T00:00:00Z"), step(NINE))

    assert answer.locations == ["body.steps.0.at", "body.steps.1.at"]


def test_plan_beside_pending_steps_is_409_and_plans_nothing():
    create_segments("AAA")
    done(plan(step(TEN)))
    before = schedule()

    answer = plan(step(NINE), step(ELEVEN))

    assert (answer.status, answer.json["type"]) == (409, "urn:segmentation:problem:steps-pending")
    assert schedule() == before


def test_due_step_that_no_run_has_applied_is_still_pending(owner):
    create_segments("AAA")
    done(plan(step((NOW + timedelta(minutes=30)).isoformat())))
    pass_hours(owner, 1)

    assert plan(step(NINE)).status == 409


def test_cancelled_steps_stay_in_the_list_and_others_can_be_planned():
    create_segments("AAA")
    done(plan(step(TEN), step(ELEVEN)))

    assert done(cancel()) == {"steps_cancelled": 2}
    done(plan(step(NINE)))

    shown = [(each["at"], each["status"]) for each in schedule()["steps"]]
    assert shown == [(NINE, "pending"), (TEN, "cancelled"), (ELEVEN, "cancelled")]


def test_cancelling_nothing_is_ok():
    create_segments("AAA")

    assert done(cancel()) == {"steps_cancelled": 0}


@pytest.mark.parametrize("send", [lambda: plan(step(NINE)), cancel, lambda: call("list_steps", path=PATH)])
def test_schedule_of_an_unknown_segment_is_404_naming_it(send):
    answer = send()

    assert (answer.status, answer.json["slugs"]) == (404, ["AAA"])


def test_schedule_of_a_deleted_segment_is_gone():
    create_segments("AAA")
    done(plan(step(NINE)))
    done(call("delete_segment", {"slug": "AAA"}))
    create_segments("AAA")

    assert schedule()["steps"] == []


def test_pages_have_every_step_once_in_order_of_time():
    create_segments("AAA")
    done(plan(*[step(at) for at in minutes(5)]))
    found, cursor = [], {}
    while cursor is not None:
        page = schedule(limit="2", **cursor)
        found += [each["step_id"] for each in page["steps"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None

    assert found == [1, 2, 3, 4, 5]


def test_plan_repeated_under_its_key_gets_its_answer_again_and_plans_nothing():
    create_segments("AAA")

    first, again = (plan(step(NINE), headers=under("key")) for _ in range(2))

    assert (again.status, again.json, is_replayed(again)) == (201, first.json, True)
    assert len(schedule()["steps"]) == 1


def test_run_applies_a_due_step_and_the_list_says_when(owner):
    create_users(1, 2)
    create_segments("AAA")
    done(plan(step((NOW + timedelta(minutes=30)).isoformat(), 100), comment="ticket 4711", actor="mira"))
    pass_hours(owner, 1)

    run()

    [applied] = schedule()["steps"]
    assert applied["status"] == "applied"
    [newest, _] = done(call("list_segment_changes", path="/segment/AAA/history"))["changes"]
    assert applied["at"] < applied["applied_at"] <= newest["changed_at"]
    assert (newest["actor"], newest["comment"], newest["step_id"]) == ("mira", "ticket 4711", applied["step_id"])
    assert get_segment("AAA").json["members"] == 2


def test_run_reports_the_steps_that_it_applied_and_those_that_failed(owner, log):
    create_segments("AAA", "BBB")
    soon = step((NOW + timedelta(minutes=30)).isoformat(), 60)
    done(plan(soon))
    done(plan({**soon, "user_percent": 40}, slug="BBB"))
    pass_hours(owner, 1)
    owner.execute("alter table segments add constraint at_most_half check (user_percent <= 50)")
    try:
        run()
    finally:
        owner.execute("alter table segments drop constraint at_most_half")

    [metrics] = [line for line in log.lines if line["message"] == "invocation"]
    assert (metrics["StepsApplied"], metrics["StepsFailed"]) == (1, 1)
    [failure] = [line for line in log.lines if line["message"] == "a step has failed"]
    assert (failure["level"], failure["step_id"]) == ("ERROR", 1)


def test_run_that_has_little_time_left_leaves_the_steps_to_the_next(owner):
    create_segments("AAA")
    done(plan(step((NOW + timedelta(minutes=30)).isoformat())))
    pass_hours(owner, 1)

    run(30_000)

    assert schedule()["steps"][0]["status"] == "pending"


def test_percent_by_hand_answers_the_number_of_cancelled_steps():
    create_segments("AAA")
    done(plan(step(NINE), step(TEN)))

    assert done(patch_segment("AAA", {"user_percent": 5}))["steps_cancelled"] == 2
    assert [each["status"] for each in schedule()["steps"]] == ["cancelled"] * 2


def test_change_that_cancels_no_step_does_not_name_steps():
    create_segments("AAA")
    assert "steps_cancelled" not in done(patch_segment("AAA", {"user_percent": 6}))
    done(plan(step(NINE)))

    assert "steps_cancelled" not in done(patch_segment("AAA", {"description": "new"}))


def test_refused_plan_writes_nothing(owner):
    create_segments("AAA")
    before = rows(owner)

    assert plan(step(PAST), comment="ticket 4711").status == 422

    assert rows(owner) == before
    assert owner.execute("select from causes").rowcount == 0
