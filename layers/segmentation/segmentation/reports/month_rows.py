"""The rows of a month report, read batch by batch in the order of time.

A report has two sets of rows, which are fixed when it begins. The recorded rows are in the history by then: no id is
above the newest one. The due exits are recorded later or never. Until the sweep removes the membership of a due exit,
the exit is read from there, and then from the history, where its id is above the newest one. Each statement therefore
sees every due exit once, and the sweep can run at any time.

At one instant the recorded rows come first, in order of id. The due exits follow in order of user and segment.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from segmentation.contract.requests import NewReport
from segmentation.contract.values import Columns, Delimiter
from segmentation.database import watermark
from segmentation.database.index_order import index_order
from segmentation.reports.months import Month
from segmentation.reports.stored_file import Batch

TEXT_ROWS = 2_500
"""Rows that become one text. More rows do not fit in the processor's caches. Fewer rows mean more overhead per row."""

DUE = 9_223_372_036_854_775_807
"""Stands for the history_id of each due exit, because it is greater than all others."""


@dataclass(frozen=True)
class Scope:
    """What a report reads, fixed when it begins: recorded rows until an instant, and due exits from another."""

    until: datetime
    newest_id: int
    due_from: datetime


@dataclass(frozen=True)
class Place:
    """The last row that was read. The user and the segment are 0 unless the row is a due exit."""

    executed_at: datetime
    history_id: int = 0
    user_id: int = 0
    segment_id: int = 0


@dataclass(frozen=True)
class _Row:
    read: int
    lines: int
    text: str
    executed_at: datetime
    history_id: int
    user_id: int
    segment_id: int


@dataclass(frozen=True)
class _Statements:
    """The statement that reads recorded rows, and the one that reads due exits too."""

    recorded: sql.Composed
    recorded_and_due: sql.Composed


# Rows outside the report are read too, but make no line. So each statement reads a limited number of rows. An
# instant is cut to its second, not rounded, so no row moves into the next month.
# The server makes the text, because one message per row costs more than all other work.
_LINES = sql.SQL("""
select count(*)::integer as read,
       count(*) filter (where {is_line})::integer as lines,
       coalesce(string_agg({cells}, E'\\r\\n') filter (where {is_line}) || E'\\r\\n', '') as text,
       max(line.executed_at) as executed_at,
       coalesce((array_agg(line.history_id))[count(*)], 0) as history_id,
       coalesce((array_agg(line.user_id))[count(*)], 0) as user_id,
       coalesce((array_agg(line.segment_id))[count(*)], 0) as segment_id
  from ({rows}) line
""")

_OF_SEGMENT = sql.SQL("(%(slug)s::text is null or line.slug = %(slug)s::text)")

_PLAIN_CELLS = sql.SQL("""
    line.user_id || {delimiter} || line.slug || case line.action_id when 1 then {entry} else {exit} end
    || date_bin('1 second', line.executed_at at time zone interval '0', '2000-01-01')
""")

# Only a comment and the name of a custom action are looked up. An actor and a comment may be any text, so they become
# cells as contract/csv_text makes them. No other cell needs quotation marks or can begin as a formula.
_ANY_TEXT = sql.SQL("""
        case when {text} ~ {to_quote} then '"' else '' end
        || case when {text} ~ '^[-=+@\\t\\r\\n]' then chr(39) else '' end
        || replace({text}, '"', '""')
        || case when {text} ~ {to_quote} then '"' else '' end""")

_EXTENDED_CELLS = sql.SQL("""
    concat_ws({delimiter}, line.user_id, line.slug,
        case line.action_id when 1 then 'I' when 2 then 'D' when 3 then 'U' else 'A' end,
        date_bin('1 second', line.executed_at at time zone interval '0', '2000-01-01'),
        case line.action_id
        when 1 then 'added' when 2 then 'deleted' when 3 then 'lifetime_changed'
        else (select actions.name from actions where actions.action_id = line.action_id) end,
        line.reason,
        {actor},
        coalesce((select {comment} from causes where causes.cause_id = line.cause_id), ''),
        coalesce(date_bin('1 second', line.expires_at at time zone interval '0', '2000-01-01')::text, ''))
""")

# The bounds on the time alone select the partitions, and the last bound the row in the index.
_RECORDED = sql.SQL("""
select history.user_id, 0 as segment_id, history.slug, history.action_id, history.executed_at, history.history_id,
       history.reason, history.actor, history.cause_id, history.expires_at
  from history
 where history.executed_at >= %(executed_at)s::timestamptz and history.executed_at < %(until)s::timestamptz
   and history.executed_at >= {executed_at}
   and (history.executed_at, history.history_id) > ({executed_at}, {history_id})
   and history.history_id <= %(newest_id)s::bigint
 order by history.executed_at, history.history_id
 limit %(limit)s::integer
""")

# The worker streams the texts, so the server makes the next one while the worker compresses and stores one.
_TEXTS = sql.SQL("""
with recursive texts as (
    select 0 as number, %(limit)s::integer as read, 0 as lines, '' collate "C" as text,
           %(executed_at)s::timestamptz as executed_at, %(history_id)s::bigint as history_id
     union all
    select texts.number + 1, lines.read, lines.lines, lines.text, lines.executed_at, lines.history_id
      from texts
     cross join lateral ({lines} having count(*) > 0) lines
     where texts.read = %(limit)s::integer and texts.number < %(texts)s::integer)
select texts.read, texts.lines, texts.text, texts.executed_at, texts.history_id, 0 as user_id, 0 as segment_id
  from texts
 where texts.number > 0
""")
_RECORDED_OF_TEXT = _RECORDED.format(executed_at=sql.SQL("texts.executed_at"), history_id=sql.SQL("texts.history_id"))

# Recorded rows limit the range in which due exits are searched: those at or after the last one are for a later batch.
_RECORDED_AND_DUE = sql.SQL("""
with recorded as materialized ({}),
range as materialized (
    select coalesce(
           (select max(recorded.executed_at) from recorded having count(*) = %(limit)s::integer),
           %(until)s::timestamptz) as until)
select recorded.* from recorded
 union all
(select memberships.user_id, memberships.segment_id,
        (select segments.slug from segments where segments.segment_id = memberships.segment_id),
        2, memberships.expires_at, 9223372036854775807, 'ttl', 'schedule', null, memberships.expires_at
   from memberships
  where memberships.expires_at < (select range.until from range)
    and (memberships.expires_at, memberships.user_id, memberships.segment_id)
        > (%(executed_at)s::timestamptz, %(user_id)s::bigint, %(segment_id)s::integer)
  order by memberships.expires_at, memberships.user_id, memberships.segment_id
  limit %(limit)s::integer)
 union all
(select history.user_id, history.segment_id, history.slug, history.action_id, history.executed_at, 9223372036854775807,
        history.reason, history.actor, history.cause_id, history.expires_at
   from history
  where history.executed_at >= %(executed_at)s::timestamptz and history.executed_at < (select range.until from range)
    and history.history_id > %(newest_id)s::bigint and history.action_id = 2 and history.reason = 'ttl'
    and (history.executed_at, history.user_id, history.segment_id)
        > (%(executed_at)s::timestamptz, %(user_id)s::bigint, %(segment_id)s::integer)
  order by history.executed_at, history.user_id, history.segment_id
  limit %(limit)s::integer)
 order by executed_at, history_id, user_id, segment_id
 limit %(limit)s::integer
""").format(
    _RECORDED.format(executed_at=sql.SQL("%(executed_at)s::timestamptz"), history_id=sql.SQL("%(history_id)s::bigint"))
)


@functools.cache
def _statements(columns: Columns, delimiter: Delimiter) -> _Statements:
    is_extended = columns == "extended"
    any_text = functools.partial(_ANY_TEXT.format, to_quote=sql.Literal(f'[{delimiter}"\r\n]'))
    cells = (_EXTENDED_CELLS if is_extended else _PLAIN_CELLS).format(
        delimiter=sql.Literal(delimiter),
        entry=sql.Literal(f"{delimiter}I{delimiter}"),
        exit=sql.Literal(f"{delimiter}D{delimiter}"),
        actor=any_text(text=sql.Identifier("line", "actor")),
        comment=any_text(text=sql.Identifier("causes", "comment")),
    )
    is_line = _OF_SEGMENT if is_extended else sql.SQL("(line.action_id <= 2 and {})").format(_OF_SEGMENT)
    lines = functools.partial(_LINES.format, is_line=is_line, cells=cells)
    return _Statements(_TEXTS.format(lines=lines(rows=_RECORDED_OF_TEXT)), lines(rows=_RECORDED_AND_DUE))


def fix_scope(connection: Connection, month: Month, until: datetime) -> Scope:
    """Fix what a report reads of a month until an instant, up to which all writers have committed.

    A sweep that runs at the moment can have drawn its ids before. Its exits are recorded rows, so wait for it.
    """
    with index_order(connection), connection.cursor(row_factory=class_row(Scope)) as cursor:
        [scope] = cursor.execute(
            """
            select %(until)s::timestamptz as until,
                   case when history_ids.is_called then history_ids.last_value else 0 end as newest_id,
                   coalesce((select min(memberships.expires_at)
                               from memberships
                              where memberships.expires_at >= %(begins_at)s::timestamptz
                                and memberships.expires_at < %(until)s::timestamptz),
                            %(until)s::timestamptz) as due_from
              from history_ids
            """,
            {"begins_at": month.begins_at, "until": until},
        ).fetchall()
    watermark.wait_for_writers(connection)
    return scope


def read(connection: Connection, report: NewReport, scope: Scope, place: Place, limit: int) -> Iterator[Batch[Place]]:
    """Yield the batches of one statement after a place. They have about as many rows as the limit."""
    members = {"newest_id": scope.newest_id, **vars(place), "slug": report.slug}
    statements = _statements(report.columns, report.delimiter)
    if place.executed_at < scope.due_from:
        yield from _read_recorded(connection, statements, scope, members, limit)
    else:
        yield from _read_recorded_and_due(connection, statements, scope, members, limit)


def _read_recorded(
    connection: Connection, statements: _Statements, scope: Scope, members: dict[str, Any], limit: int
) -> Iterator[Batch[Place]]:
    rows = min(limit, TEXT_ROWS)
    members |= {"until": scope.due_from, "limit": rows, "texts": limit // rows}
    texts, has_more = 0, True
    with index_order(connection), connection.cursor(row_factory=class_row(_Row)) as cursor:
        for row in cursor.stream(statements.recorded, members):
            yield Batch(row.text, row.lines, _place_of(row), is_last=False)
            texts, has_more = texts + 1, row.read == rows
    if not (texts and has_more):
        yield Batch("", 0, Place(scope.due_from), is_last=scope.due_from == scope.until)


def _read_recorded_and_due(
    connection: Connection, statements: _Statements, scope: Scope, members: dict[str, Any], limit: int
) -> Iterator[Batch[Place]]:
    members |= {"until": scope.until, "limit": limit}
    with index_order(connection), connection.cursor(row_factory=class_row(_Row)) as cursor:
        # prepared, the statement would get a plan for any place, which guesses the number of rows
        [row] = cursor.execute(statements.recorded_and_due, members, prepare=False).fetchall()
    if row.read == limit:
        yield Batch(row.text, row.lines, _place_of(row), is_last=False)
    else:
        yield Batch(row.text, row.lines, Place(scope.until), is_last=True)


def _place_of(row: _Row) -> Place:
    if row.history_id == DUE:
        return Place(row.executed_at, DUE, row.user_id, row.segment_id)
    return Place(row.executed_at, row.history_id)
