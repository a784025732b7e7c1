"""Readers of the feed: they follow it page by page, and fold its events into memberships."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from segmentation.contract.responses import Event, EventPage
from segmentation.domain import feed

Members = dict[tuple[int, str], datetime | None]
"""The end of each membership, by user and slug."""


def page(connection: Connection[Any], after: int = 0, limit: int = 1000) -> EventPage:
    return EventPage.model_validate_json(feed.list_events(connection, after=after, limit=limit))


def follow(connection: Connection[Any], after: int = 0, limit: int = 1000) -> list[Event]:
    """Read pages until one is empty."""
    found: list[Event] = []
    while (read := page(connection, after, limit)).events:
        found += read.events
        after = read.next_after
    return found


def fold(events: list[Event], key_of: Callable[[Event], Any] = lambda event: (event.user_id, event.slug)) -> Any:
    """Apply events in their order, as a copy of the memberships elsewhere does. No event may contradict the state."""
    members: dict[Any, datetime | None] = {}
    for event in events:
        key = key_of(event)
        if event.event == "added":
            assert key not in members, f"{key} is added twice"
            members[key] = event.expires_at
        elif event.event == "deleted":
            del members[key]
        elif event.event == "lifetime_changed":
            assert key in members, f"{key} changes outside of a membership"
            members[key] = event.expires_at
    return members


def stored(connection: Connection[Any]) -> Members:
    """The rows of memberships, those included that are due and those of deleted segments."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            """
            select memberships.user_id, segments.slug, memberships.expires_at
              from memberships
              join segments on segments.segment_id = memberships.segment_id
            """
        )
        return {(user_id, slug): expires_at for user_id, slug, expires_at in rows}
