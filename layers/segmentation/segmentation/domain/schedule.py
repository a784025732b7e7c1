"""The schedule of a segment: steps that change its percent at given instants.

domain/due_steps.py applies them. Each change of a schedule locks the segment, as each change of its percent does.
"""

from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from segmentation.contract import cursors
from segmentation.contract.problems import RequestInvalid, StepsPending
from segmentation.contract.requests import NewSchedule, NewStep
from segmentation.contract.responses import ScheduledStep, StepPage, StepsCancelled, StepsPlanned
from segmentation.database import clock, lists, transactions
from segmentation.domain import live_segment

_BEGINNING = "0001-01-01T00:00:00+00:00 0"


def plan(connection: Connection, slug: str, new: NewSchedule, *, actor: str) -> StepsPlanned:
    """Plan the steps of a segment. Raises SegmentUnknown, StepsPending, or RequestInvalid for a step in the past."""
    with transactions.transaction(connection, actor=actor, comment=new.comment):
        segment_id = live_segment.hold(connection, slug)
        _check_none_is_pending(connection, segment_id)
        _check_future(new.steps, clock.now(connection))
        _insert(connection, segment_id, new.steps, actor)
        rows = _read(connection, segment_id, statuses=["pending"])
    return StepsPlanned(steps=[ScheduledStep.model_validate(row) for row in rows])


def list_steps(connection: Connection, slug: str, *, after: str, limit: int) -> StepPage:
    """Return the steps of a segment after a place, in order of time. Raises SegmentUnknown."""
    segment_id = live_segment.find(connection, slug)
    rows = _read(connection, segment_id, after=after or _BEGINNING, limit=limit + 1)
    page, next_cursor = cursors.page(rows, limit, _place_of)
    return StepPage(steps=[ScheduledStep.model_validate(row) for row in page], next_cursor=next_cursor)


def cancel(connection: Connection, slug: str) -> StepsCancelled:
    """Cancel the pending steps of a segment. Raises SegmentUnknown."""
    with connection.transaction():
        segment_id = live_segment.hold(connection, slug)
        return StepsCancelled(steps_cancelled=cancel_pending(connection, segment_id))


def cancel_pending(connection: Connection, segment_id: int) -> int:
    """Cancel the pending steps of a segment that the caller's transaction has locked. Return their number.

    The database does the same for each new percent and each deletion that does not come from here.
    """
    [(cancelled,)] = connection.execute("select cancel_steps(%s::integer)", (segment_id,)).fetchall()
    return int(cancelled)


def _check_none_is_pending(connection: Connection, segment_id: int) -> None:
    """Raise StepsPending if a step is pending, a due one too."""
    pending = connection.execute(
        """
        select
          from segment_steps
         where segment_steps.segment_id = %s::integer and segment_steps.status = 'pending'
         limit 1
        """,
        (segment_id,),
    ).rowcount
    if pending:
        raise StepsPending()


def _check_future(steps: list[NewStep], now: datetime) -> None:
    """Raise RequestInvalid for the steps that are not in the future by the database's clock."""
    late = [f"body.steps.{place}.at" for place, step in enumerate(steps) if step.at <= now]
    if late:
        raise RequestInvalid(*((location, "must be in the future") for location in late))


def _insert(connection: Connection, segment_id: int, steps: list[NewStep], actor: str) -> None:
    instants, percents = [step.at for step in steps], [step.user_percent for step in steps]
    with lists.cursor(connection, instants, percents, row_factory=dict_row) as cursor:
        cursor.execute(
            """
            insert into segment_steps (segment_id, due_at, user_percent, actor)
            select %s::integer, new.due_at, new.user_percent, %s::text
              from unnest(%s::timestamptz[], %s::numeric[]) with ordinality new (due_at, user_percent, place)
             order by new.place
            """,
            (segment_id, actor, instants, percents),
        )


def _read(
    connection: Connection,
    segment_id: int,
    *,
    statuses: list[str] | None = None,
    after: str = _BEGINNING,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Return the steps after a place, in order of time: those with a status of the list, by default all."""
    due_at, step_id = after.split(" ")
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            select segment_steps.step_id, segment_steps.due_at as at, segment_steps.user_percent, segment_steps.status,
                   segment_steps.actor, segment_steps.applied_at, segment_steps.job_id,
                   (select causes.comment from causes where causes.cause_id = segment_steps.cause_id) as comment
              from segment_steps
             where segment_steps.segment_id = %s::integer
               and (segment_steps.due_at, segment_steps.step_id) > (%s::timestamptz, %s::bigint)
               and (%s::text[] is null or segment_steps.status = any (%s::text[]))
             order by segment_steps.due_at, segment_steps.step_id
             limit %s::integer
            """,
            (segment_id, due_at, step_id, statuses, statuses, limit),
        ).fetchall()


def _place_of(row: dict[str, Any]) -> str:
    return f"{row['at'].isoformat()} {row['step_id']}"
