"""The state of the service in numbers, at a cost that does not grow with it.

Many of something are counted up to a limit; from there on the planner says how many it expects, from the statistics
that the database keeps anyway. Operations are counted as they are written: there are too many later.
"""

from dataclasses import dataclass
from typing import LiteralString

from psycopg import Connection, sql
from psycopg.rows import dict_row, scalar_row

EXACT_UP_TO = 100_000
"""The most that is counted exactly: some hundredths of a second for each number."""

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
class Census:
    """What there is at one moment."""

    users: int
    segments: int
    active_memberships: int
    due_memberships: int
    oldest_due_seconds: float
    operations: dict[str, int]
    jobs: dict[str, int]


def take(connection: Connection) -> Census:
    """Count what there is, and estimate what there is much of."""
    return Census(
        users=_count(connection, _USERS),
        segments=_scalar(connection, "select count(*) from segments where segments.deleted_at is null"),
        active_memberships=_count(connection, _ACTIVE, alike=_UNEXPIRED),
        due_memberships=_count(connection, _DUE),
        oldest_due_seconds=_oldest_due_seconds(connection),
        operations=_operations(connection),
        jobs=_jobs(connection),
    )


def _count(connection: Connection, rows: LiteralString, *, alike: LiteralString = "") -> int:
    """Count rows up to the limit; beyond it, ask the planner how many it expects, of these or of some alike.

    It has no idea of a join with a table that is too small to be analyzed.
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        [counted] = cursor.execute(
            sql.SQL("select count(*) from ({} limit %s::integer) counted").format(sql.SQL(rows)), (EXACT_UP_TO + 1,)
        ).fetchall()
        if counted <= EXACT_UP_TO:
            return int(counted)
        [plan] = cursor.execute(
            sql.SQL("explain (format json) {}").format(sql.SQL(alike or rows)), prepare=False
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
    """Read the counters, which are sequences: before its first number one holds the number to come."""
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
    """Count the jobs by status, those too of which there is none."""
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
