"""The publisher: it sends the feed to the EventBridge bus, at least once and in order.

Its cursor is in the table "feed". A transaction holds the lock of publishers, reads, sends and moves the cursor. If it
dies in between, the next one sends the same events again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from segmentation.database import settled_ids
from segmentation.domain import event_bus, feed
from segmentation.domain.event_bus import Entry
from segmentation.runtime import metrics, settings
from segmentation.runtime.log import logger

MOST_READ = event_bus.MAX_EVENTS * event_bus.MAX_ENTRIES
MAX_REQUESTS = 200
"""The most requests of a run. The next run goes on."""


@dataclass(frozen=True)
class _Cursor:
    """The bus that the cursor belongs to, and the last event that the bus has."""

    bus: str | None
    published_id: int | None


def publish(connection: Connection, *, go_on: Callable[[], bool]) -> None:
    """Publish the new events, as far as there is time. Without a bus, do nothing.

    If another session publishes at the moment, or the bus is away, a later run goes on.
    """
    bus = settings.event_bus_name()
    if bus is None:
        return
    from botocore.exceptions import BotoCoreError, ClientError  # a slow import, delayed until it is needed

    try:
        for _ in range(MAX_REQUESTS):
            if not (go_on() and _publish_some(connection, bus)):
                return
    except (BotoCoreError, ClientError):
        logger.exception("the event bus does not answer", bus=bus)


def record_lag(connection: Connection) -> None:
    """Report how many seconds ago the bus last had all events. Without a bus, forget the cursor of the bus before."""
    if settings.event_bus_name() is None:
        connection.execute(
            "update feed set bus = null, published_id = null, complete_at = null where feed.bus is not null"
        )
        return
    metrics.record("EventLag", lag_seconds(connection))


def lag_seconds(connection: Connection) -> float:
    """Return how many seconds ago the bus last had all events, or 0 without a bus."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [seconds] = cursor.execute(
            "select greatest(coalesce(max(extract(epoch from now() - feed.complete_at)), 0), 0)::float from feed"
        ).fetchall()
    return float(seconds)


def _publish_some(connection: Connection, bus: str) -> bool:
    """Send one request of entries, and move the cursor behind them. Return whether there may be more events."""
    with connection.transaction():
        if not _is_only_publisher(connection):
            return False
        after = _begin(connection, bus)
        if after is None:
            return False
        page = feed.read(connection, after, MOST_READ)
        if not page.events:
            _complete(connection, page)
            return False
        made = event_bus.entries(page.events)
        failed = event_bus.put(bus, made)
        _move(connection, _last_before(made, failed))
    if failed is not None:
        logger.error("the bus did not take an entry", bus=bus, slug=made[failed].slug)
    return failed is None


def _last_before(made: list[Entry], failed: int | None) -> int:
    """Return the id up to which every event is published: the bus has no later event of a failed entry."""
    if failed is not None:
        return made[failed].events[0].event_id - 1
    return max(entry.events[-1].event_id for entry in made)


def _is_only_publisher(connection: Connection) -> bool:
    with connection.cursor(row_factory=scalar_row) as cursor:
        [locked] = cursor.execute("select pg_try_advisory_xact_lock(9, 0)").fetchall()
    return bool(locked)


def _begin(connection: Connection, bus: str) -> int | None:
    """Return the last event that the bus has. A new bus begins at the newest event: return None."""
    with connection.cursor(row_factory=class_row(_Cursor)) as cursor:
        found = cursor.execute("select feed.bus, feed.published_id from feed").fetchone()
    if found and found.bus == bus:
        return found.published_id
    newest = settled_ids.newest(connection)
    if newest is not None:
        settled_ids.store(connection, newest)
        connection.execute("update feed set bus = %s::text, complete_at = now()", (bus,))
        _move(connection, newest)
    return None


def _move(connection: Connection, published_id: int) -> None:
    connection.execute("update feed set published_id = %s::bigint", (published_id,))


def _complete(connection: Connection, page: feed.Page) -> None:
    """Record that the bus has every event, unless events wait for a writer that lasts long."""
    if page.is_last:
        connection.execute("update feed set complete_at = now()")
