"""Totals: the state of the service in numbers, at a cost that does not grow with the data.

Rows are counted up to a limit. Beyond it, the number is the planner's estimate from the statistics of the database.
Operations are counted when they are written, because counting the history would take too long.
"""

from dataclasses import dataclass
from typing import LiteralString

from psycopg import Connection, sql
from psycopg.rows import dict_row, scalar_row

from segmentation.domain import publisher

EXACT_UP_TO = 100_000
"""The largest number that is counted exactly."""

_USERS: LiteralString = "select from users"
_UNEXPIRED: LiteralString = "select from memberships where expires_at is null or expires_at > now()"
_ACTIVE: LiteralString = """
    select from memberships
     where (memberships.expires_at is null or memberships.expires_at > now())
       and not exists (
           select from segments
            where segments.segment_id = memberships.segment_id and segments.deleted_at is not null)
    """
_DUE: LiteralString = "select from memberships where memberships.expires_at <= now()"


@dataclass(frozen=True)
class Totals:
    """The numbers of users, segments, memberships, operations, jobs and steps, and two lags."""

    users: int
    segments: int
    active_memberships: int
    due_memberships: int
    oldest_due_seconds: float
    event_lag_seconds: float
    operations: dict[str, int]
    jobs: dict[str, int]
    steps: dict[str, int]


def count_totals(connection: Connection) -> Totals:
    """Count users, segments, memberships, operations, jobs and steps. Large numbers are estimates."""
    return Totals(
        users=_count_or_estimate(connection, _USERS),
        segments=_scalar(connection, "select count(*) from segments where segments.deleted_at is null"),
        active_memberships=_count_or_estimate(connection, _ACTIVE, similar=_UNEXPIRED),
        due_memberships=_count_or_estimate(connection, _DUE),
        oldest_due_seconds=_oldest_due_seconds(connection),
        event_lag_seconds=publisher.lag_seconds(connection),
        operations=_operations(connection),
        jobs=_jobs(connection),
        steps=_steps(connection),
    )


def _count_or_estimate(connection: Connection, rows: LiteralString, *, similar: LiteralString = "") -> int:
    """Count rows up to the limit. Beyond it, return the planner's estimate for these rows, or for similar ones.

    The planner cannot estimate a join with a table that is too small to be analyzed.
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        [counted] = cursor.execute(
            sql.SQL("select count(*) from ({} limit %s::integer) counted").format(sql.SQL(rows)), (EXACT_UP_TO + 1,)
        ).fetchall()
        if counted <= EXACT_UP_TO:
            return int(counted)
        [plan] = cursor.execute(
            sql.SQL("explain (format json) {}").format(sql.SQL(similar or rows)), prepare=False
        ).fetchall()
    return max(int(plan[0]["Plan"]["Plan Rows"]), EXACT_UP_TO + 1)


def _scalar(connection: Connection, query: LiteralString) -> int:
    with connection.cursor(row_factory=scalar_row) as cursor:
        [value] = cursor.execute(query).fetchall()
    return int(value)


def _oldest_due_seconds(connection: Connection) -> float:
    with connection.cursor(row_factory=scalar_row) as cursor:
        [seconds] = cursor.execute(
            """
            select coalesce(extract(epoch from now() - min(memberships.expires_at)), 0)::float
              from memberships
             where memberships.expires_at <= now()
            """
        ).fetchall()
    return float(seconds)


def _operations(connection: Connection) -> dict[str, int]:
    """Read the counters, which are sequences. An unused sequence holds its first number, which counts as 0."""
    with connection.cursor(row_factory=dict_row) as cursor:
        [counts] = cursor.execute(
            """
            select case when added.is_called then added.last_value else 0 end as added,
                   case when deleted.is_called then deleted.last_value else 0 end as deleted,
                   case when changed.is_called then changed.last_value else 0 end as lifetime_changed,
                   case when custom.is_called then custom.last_value else 0 end as custom
              from operations_added added, operations_deleted deleted, operations_lifetime_changed changed,
                   operations_custom custom
            """
        ).fetchall()
    return counts


def _jobs(connection: Connection) -> dict[str, int]:
    """Count the jobs by status. A status without jobs has 0."""
    return dict(
        connection.execute(
            """
            select known.status, count(jobs.job_id)
              from unnest(array['queued', 'running', 'succeeded', 'failed']) known (status)
              left join jobs on jobs.status = known.status
             group by known.status
            """
        ).fetchall()
    )


def _steps(connection: Connection) -> dict[str, int]:
    """Count the steps of schedules by status. A status without steps has 0."""
    return dict(
        connection.execute(
            """
            select known.status, count(segment_steps.step_id)
              from unnest(array['pending', 'applied', 'skipped', 'cancelled', 'failed']) known (status)
              left join segment_steps on segment_steps.status = known.status
             group by known.status
            """
        ).fetchall()
    )
