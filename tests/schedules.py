"""Schedules of segments: plan steps, let them fall due, run them as the schedule does, and read them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection

from segmentation.contract.requests import NewSchedule
from segmentation.contract.responses import ScheduledStep
from segmentation.domain import due_steps, schedule


def plan(connection: Connection[Any], slug: str, *percents: float, **members: Any) -> list[ScheduledStep]:
    """Plan a step for each percent as 'planner', one an hour: in half an hour, one hour and a half, and so on."""
    first = datetime.now(UTC) + timedelta(minutes=30)
    steps = [
        {"at": (first + timedelta(hours=hours)).isoformat(), "user_percent": each}
        for hours, each in enumerate(percents)
    ]
    wanted = NewSchedule.model_validate({"steps": steps, **members})
    return schedule.plan(connection, slug, wanted, actor="planner").steps


def pass_hours(owner: Connection[Any], hours: int) -> None:
    """Let whole hours pass for every step. Then no step is near its instant."""
    owner.execute("update segment_steps set due_at = due_at - %s", (timedelta(hours=hours),))


def run(connection: Connection[Any]) -> None:
    due_steps.run(connection, go_on=lambda: True)


def statuses(connection: Connection[Any], slug: str) -> list[str]:
    return [step.status for step in steps_of(connection, slug)]


def steps_of(connection: Connection[Any], slug: str) -> list[ScheduledStep]:
    return schedule.list_steps(connection, slug, after="", limit=1000).steps
