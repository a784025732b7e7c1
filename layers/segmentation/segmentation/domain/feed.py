"""The feed: the operations of the history as events, in the order of their ids, each once.

The ids up to a settled one are read, so no event can appear later before one that a reader has. Erased rows and dropped
months are absent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from segmentation.database import settled_ids

MOST_SORTED = 50_000
"""The most ids of one read, whose rows Postgres sorts. A wider gap is crossed without reading its end."""


@dataclass(frozen=True)
class Event:
    """An event as JSON, with its id and the segment's slug."""

    event_id: int
    slug: str
    text: str


@dataclass(frozen=True)
class Page:
    """Settled events in order, and whether the last of them is the newest of the feed."""

    events: list[Event]
    is_last: bool


# The database writes the JSON, because models would take Python several times as long. "||" takes half of the time of
# format(). The grammar of slugs permits no character that JSON escapes.
# "offset 0" looks up each comment by itself: few rows have one.
_EVENTS: LiteralString = """
    select page.history_id as event_id, page.slug,
           '{"event_id":' || page.history_id || ',"event":' || to_json(actions.name) || ',"user_id":' || page.user_id
           || ',"slug":"' || page.slug || '","reason":"' || page.reason || '","actor":' || to_json(page.actor)
           || ',"comment":' || coalesce(to_json(cause.comment)::text, 'null')
           || ',"expires_at":' || instant_as_json(page.expires_at)
           || ',"executed_at":' || instant_as_json(page.executed_at) || '}' as text
      from (select history.history_id, history.user_id, history.slug, history.action_id, history.reason, history.actor,
                   history.cause_id, history.expires_at, history.executed_at
              from history
             where history.history_id > %(after)s::bigint and history.history_id <= %(until)s::bigint
             order by history.history_id
             limit %(most)s::integer) page
      join actions on actions.action_id = page.action_id
      left join lateral (
           select causes.comment from causes where causes.cause_id = page.cause_id offset 0) cause on true
     order by page.history_id
    """


def list_events(connection: Connection, *, after: int, limit: int) -> str:
    """Return the first settled events after one as the JSON of an EventPage.

    next_after is the last event of the page. It is the given one if no newer event is settled.
    """
    found = read(connection, after, limit).events
    next_after = found[-1].event_id if found else after
    return f'{{"events":[{",".join(event.text for event in found)}],"next_after":{next_after}}}'


def read(connection: Connection, after: int, limit: int) -> Page:
    """Return the first settled events after one. A reader that is far behind does not wait for writers."""
    settled = settled_ids.stored(connection)
    found = _read(connection, after, settled, limit)
    if len(found) == limit or (newest := settled_ids.newest(connection)) is None:
        return Page(found, is_last=False)
    found += _read(connection, max(after, settled), newest, limit - len(found))
    return Page(found, is_last=len(found) < limit)


def store_settled(connection: Connection) -> None:
    """Store the newest settled id, unless a writer takes too long."""
    if (newest := settled_ids.newest(connection)) is not None:
        settled_ids.store(connection, newest)


def _read(connection: Connection, after: int, until: int, limit: int) -> list[Event]:
    """Return the first events after one id, up to another, which is settled."""
    found: list[Event] = []
    for begin, end in _ranges(connection, after, until, limit):
        found += _read_range(connection, begin, end, limit - len(found))
        if len(found) == limit:
            break
    return found


def _read_range(connection: Connection, after: int, until: int, most: int) -> list[Event]:
    with connection.cursor(row_factory=class_row(Event)) as cursor:
        return cursor.execute(_EVENTS, {"after": after, "until": until, "most": most}).fetchall()


def _ranges(connection: Connection, after: int, until: int, limit: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of ids in order, each so short that its rows can be sorted.

    Most ids have a row, so the first range usually fills the page. Gaps double the next range: dropped months can be
    a gap of millions. A range too long to sort is only read if it is empty, and is halved otherwise.
    """
    width = limit
    while after < until:
        end = min(after + width, until)
        if width > MOST_SORTED and _has_rows(connection, after, end):
            width //= 2
            continue
        if width <= MOST_SORTED:
            yield after, end
        after, width = end, width * 2


def _has_rows(connection: Connection, after: int, until: int) -> bool:
    with connection.cursor(row_factory=scalar_row) as cursor:
        [exists] = cursor.execute(
            """
            select exists (select from history
                            where history.history_id > %s::bigint and history.history_id <= %s::bigint)
            """,
            (after, until),
        ).fetchall()
    return bool(exists)
