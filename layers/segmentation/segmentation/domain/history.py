"""The history: read a user's operations, and record the company's own actions."""

from datetime import datetime
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import dict_row

from segmentation.contract import csv_text, cursors
from segmentation.contract.problems import ActionUnknown, RequestInvalid, SegmentUnknown, UserUnknown
from segmentation.contract.requests import NewOperation
from segmentation.contract.responses import Operation, OperationPage
from segmentation.database import one_statement

_START = "0001-01-01T00:00:00+00:00 0"

_PAGE: LiteralString = """
    select page.slug, actions.operation, actions.name as action, page.reason, page.actor,
           (select causes.comment from causes where causes.cause_id = page.cause_id) as comment,
           page.expires_at, page.executed_at, page.place
      from (select operations.slug, operations.action_id, operations.reason, operations.actor,
                   operations.cause_id, operations.expires_at, operations.executed_at, operations.place
              from operations
             where operations.user_id = %s::bigint
               and operations.executed_at >= %s::timestamptz and operations.executed_at < %s::timestamptz
               -- This repeats the next condition without the place, which no index has.
               and operations.executed_at >= %s::timestamptz
               and (operations.executed_at, operations.place) > (%s::timestamptz, %s::bigint)
               and (%s::text is null or operations.slug = %s::text)
             order by operations.executed_at, operations.place
             -- The limit comes before the join. Postgres underestimates the rows of the join, and would sort all.
             limit %s::integer) page
      join actions on actions.action_id = page.action_id
     order by page.executed_at, page.place
    """


def list_for_user(
    connection: Connection,
    user_id: int,
    *,
    since: datetime,
    until: datetime,
    slug: str | None = None,
    after: str,
    limit: int,
) -> OperationPage:
    """Return a user's operations from one instant until before another, oldest first, of all segments or with one slug.

    The slugs are those of their time. A due exit that is not swept yet is listed at its due time, and keeps its place
    when it is swept. Raises RequestInvalid if the range ends before it begins.
    """
    if until < since:
        raise RequestInvalid(("query.to", "must not be before from"))
    executed_at, place = (after or _START).split(" ")
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _PAGE,
            (user_id, since, until, executed_at, executed_at, place, slug, slug, limit + 1),
        ).fetchall()
    page, next_cursor = cursors.page(rows, limit, _place_of)
    return OperationPage(operations=[Operation.model_validate(row) for row in page], next_cursor=next_cursor)


_RECORD = one_statement.Change(
    call="record_action(%(user_id)s::bigint, %(slug)s::text, %(action)s::text, %(actor)s::text)",
    body="""
        case when changed.executed_at is not null then format(
            '{"slug":%%s,"operation":%%s,"action":%%s,"reason":"manual","actor":%%s,"comment":null,'
            '"expires_at":null,"executed_at":%%s}',
            to_json(%(slug)s::text), to_json(changed.action_operation), to_json(%(action)s::text),
            to_json(%(actor)s::text), instant_as_json(changed.executed_at)) end
        """,
    status="201",
)


def record(connection: Connection, user_id: int, new: NewOperation, *, actor: str) -> Operation:
    """Record an action of the company's own in a user's history.

    Raises UserUnknown, SegmentUnknown, ActionUnknown, or RequestInvalid for a built-in action.
    """
    [row] = one_statement.run(connection, _RECORD, {"user_id": user_id, **vars(new), "actor": actor})
    if not row["user_known"]:
        raise UserUnknown(f"There is no user {user_id}.")
    if not row["segment_known"]:
        raise SegmentUnknown([new.slug])
    if row["action_operation"] is None:
        raise ActionUnknown(f"There is no action {new.action}.")
    if row["executed_at"] is None:
        raise RequestInvalid(("body.action", "is built in: only the database itself writes it"))
    return Operation(
        slug=new.slug,
        operation=row["action_operation"],
        action=new.action,
        reason="manual",
        actor=actor,
        comment=None,
        expires_at=None,
        executed_at=row["executed_at"],
    )


def as_csv(page: OperationPage) -> str:
    """Return the operations as CSV with a header."""
    operations = page.model_dump(mode="json")["operations"]
    return csv_text.render(Operation.model_fields, [operation.values() for operation in operations])


def _place_of(row: dict[str, Any]) -> str:
    return f"{row['executed_at'].isoformat()} {row['place']}"
