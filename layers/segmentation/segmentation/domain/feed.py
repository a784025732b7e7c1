"""The feed: the operations of the history as events, in the order of their ids, each once.

The ids up to a settled one are read, so no event can appear later before one that a reader has. Erased rows and dropped
months are absent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from segmentation.contract.values import MAX_HISTORY_ID
from segmentation.database import settled_ids

MOST_SORTED = 20_000
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


@dataclass(frozen=True)
class _Body:
    """Events as one JSON text, their number, and the id of the last one."""

    text: str | None
    events: int
    last_id: int | None


# The page of a reader that is behind the settled id. The database writes its body, as for the list of a user's segments
# (domain/memberships), because rows would take Python longer.
_BODY_BEHIND: LiteralString = """
    select string_agg(found.text, ',') as text, count(*)::integer as events, max(found.event_id) as last_id
      from events_between(
               %(after)s::bigint,
               least(%(until)s::bigint, (select coalesce(max(feed.settled_id), 0) from feed)),
               %(most)s::integer) found
    """


def list_events(connection: Connection, *, after: int, limit: int) -> str:
    """Return the first settled events after one as the JSON of an EventPage.

    next_after is the last event of the page. It is the given one if no newer event is settled.
    """
    behind = _body_behind(connection, after, limit)
    if behind.events == limit:
        return _page(behind.text or "", behind.last_id or after)
    found = read(connection, after, limit).events
    return _page(",".join(event.text for event in found), found[-1].event_id if found else after)


def _body_behind(connection: Connection, after: int, limit: int) -> _Body:
    """Return the events of the next ids, as far as they are settled. It is a full page unless the ids have gaps."""
    until = min(after + limit, MAX_HISTORY_ID)
    with connection.cursor(row_factory=class_row(_Body)) as cursor:
        [found] = cursor.execute(_BODY_BEHIND, {"after": after, "until": until, "most": limit}).fetchall()
    return found


def _page(events: str, next_after: int) -> str:
    return f'{{"events":[{events}],"next_after":{next_after}}}'


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
        return cursor.execute(
            """
            select found.event_id, found.slug, found.text
              from events_between(%s::bigint, %s::bigint, %s::integer) found
            """,
            (after, until, most),
        ).fetchall()


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
