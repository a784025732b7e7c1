"""The members of a segment at an instant, read batch by batch in the order of user id.

Writers change memberships while an export runs. So each statement reads the members now, and undoes what the history
has after the instant. All writers that dated a change before the instant have committed by then. Each change is in one
transaction with its row of the history. So every statement sees the same members, whenever it runs. A sweep dates
an exit before the instant only if the membership had ended by then.

The history is read by time if it has few changes since the instant, otherwise by user. So the statements together take
time in proportion to the members and the history since the instant.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row, scalar_row

from segmentation.contract.values import MAX_USER_ID, Delimiter
from segmentation.database.index_order import index_order
from segmentation.reports.stored_file import Batch

COLUMNS = ("user_id", "added_at", "expires_at", "reason")

TEXT_ROWS = 2_500
"""Rows that become one text. More rows do not fit in the processor's caches. Fewer rows mean more overhead per row."""


@dataclass(frozen=True)
class Scope:
    """The segment, the instant, and the delimiter of the file."""

    segment_id: int
    at: datetime
    delimiter: Delimiter


@dataclass(frozen=True)
class _Row:
    read: int
    lines: int
    text: str
    user_id: int


# Rows of users who were no members are read too, but make no line. So each statement reads a limited number of rows.
# The worker streams the texts, so the server makes the next one while the worker compresses and stores one.
_TEXTS = sql.SQL("""
with recursive changed as materialized (
    select member.user_id, member.added_at, member.expires_at, member.source
      from changed_members(%(segment_id)s::integer, %(at)s::timestamptz, %(after)s::bigint, %(until)s::bigint,
                           %(most)s::integer) member),
texts as (
    select 0 as number, %(limit)s::integer as read, 0 as lines, '' collate "C" as text, %(after)s::bigint as user_id
     union all
    select texts.number + 1, line.read, line.lines, line.text, line.user_id
      from texts
     cross join lateral (
           select count(*)::integer as read, count(*) filter (where line.is_member)::integer as lines,
                  coalesce(string_agg({cells}, E'\\r\\n') filter (where line.is_member) || E'\\r\\n', '') as text,
                  max(line.user_id) as user_id
             from ((select memberships.user_id, memberships.added_at, memberships.expires_at, memberships.source,
                           memberships.added_at <= %(at)s::timestamptz
                           and (memberships.expires_at > %(at)s::timestamptz) is not false as is_member
                      from memberships
                     where memberships.segment_id = %(segment_id)s::integer and memberships.user_id > texts.user_id
                       and memberships.user_id <= coalesce(%(until)s::bigint, {largest})
                       and (not (select exists (select from changed))
                            or memberships.user_id not in (select changed.user_id from changed))
                     order by memberships.user_id
                     limit %(limit)s::integer)
                    union all
                   (select changed.user_id, changed.added_at, changed.expires_at, changed.source, true
                      from changed
                     where changed.user_id > texts.user_id
                     order by changed.user_id
                     limit %(limit)s::integer)
                    order by user_id
                    limit %(limit)s::integer) line
           having count(*) > 0) line
     where texts.read = %(limit)s::integer and texts.number < %(texts)s::integer)
select texts.read, texts.lines, texts.text, texts.user_id
  from texts
 where texts.number > 0
""")


# An entry can be unknown (changed_members). Python writes the T of RFC 3339, because Postgres takes longer. The sources
# are written out, because Postgres would look their names up for each row.
_CELLS = sql.SQL("""
    line.user_id || {delimiter} || coalesce((line.added_at at time zone interval '0') || {end}, {delimiter})
    || coalesce((line.expires_at at time zone interval '0') || {end}, {delimiter})
    || case line.source
       when 'import' then 'import' when 'manual' then 'manual' when 'percent' then 'percent' else '' end
""")


@functools.cache
def _statement(delimiter: Delimiter) -> sql.Composed:
    cells = _CELLS.format(delimiter=sql.Literal(delimiter), end=sql.Literal(f"Z{delimiter}"))
    return _TEXTS.format(cells=cells, largest=sql.Literal(MAX_USER_ID))


def read(connection: Connection, scope: Scope, after: int, limit: int) -> Iterator[Batch[int]]:
    """Yield the batches of one statement after a user. They have at most about as many rows as the limit."""
    rows = min(limit, TEXT_ROWS)
    texts = limit // rows
    members = {**vars(scope), "after": after, "limit": rows, "texts": texts, "most": rows * texts}
    found, has_more = 0, True
    with index_order(connection), connection.cursor(row_factory=class_row(_Row)) as cursor:
        members["until"] = until = _last_user(connection, members)
        for row in cursor.stream(_statement(scope.delimiter), members):
            found, has_more = found + 1, row.read == rows
            yield Batch(row.text.replace(" ", "T"), row.lines, row.user_id, is_last=False)
    if not (has_more and found == texts):
        last = MAX_USER_ID if until is None else until
        yield Batch("", 0, last, is_last=last == MAX_USER_ID)


def _last_user(connection: Connection, members: dict[str, Any]) -> int | None:
    """Return the last user that a statement may read, or None if it may read all."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [user_id] = cursor.execute(
            "select last_user_of_batch(%(at)s::timestamptz, %(after)s::bigint, %(most)s::integer)", members
        ).fetchall()
    return None if user_id is None else int(user_id)
