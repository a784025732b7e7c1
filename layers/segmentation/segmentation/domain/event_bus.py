"""The EventBridge bus: entries of events, and the request that puts them there.

boto3 is a slow import, delayed until there is an event to publish.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from segmentation.domain.feed import Event
from segmentation.runtime.timeouts import Timeouts

SOURCE = "segmentation"
DETAIL_TYPE = "MembershipsChanged"
MAX_ENTRIES = 10
MAX_EVENTS = 500
"""The most events of an entry."""

MAX_BYTES = 200_000
"""The bytes of the events of one request, below the limit of EventBridge: 256 KB with names and escapes."""

TIMEOUTS = Timeouts(connect_seconds=1, read_seconds=3, tries=1)
"""Short, because a transaction waits meanwhile. The next run of the schedule tries again."""


@dataclass
class Entry:
    """Events of one segment, in their order."""

    slug: str
    events: list[Event] = field(default_factory=list)

    def detail(self) -> str:
        """Return the JSON that the bus gets."""
        return f'{{"slug":"{self.slug}","events":[{",".join(event.text for event in self.events)}]}}'


def entries(events: list[Event]) -> list[Entry]:
    """Return the entries of one request: all of the events, or the first of them that fit.

    The entries are in the order of their first events.
    """
    made: list[Entry] = []
    open_entries: dict[str, Entry] = {}
    left = MAX_BYTES
    for event in events:
        left -= len(event.text.encode()) + 1
        entry = open_entries.get(event.slug)
        is_new = entry is None or len(entry.events) == MAX_EVENTS
        if left < 0 or (is_new and len(made) == MAX_ENTRIES):
            break
        if entry is None or is_new:
            entry = open_entries[event.slug] = Entry(event.slug)
            made.append(entry)
        entry.events.append(event)
    return made


def put(bus: str, made: list[Entry]) -> int | None:
    """Send entries in one request. Return the index of the first one that the bus did not take, or None.

    Raises botocore's errors if the bus does not answer or takes none.
    """
    answer = _client().put_events(
        Entries=[
            {"EventBusName": bus, "Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": entry.detail()}
            for entry in made
        ]
    )
    taken: list[Any] = [*answer["Entries"]]
    return next((index for index, each in enumerate(taken) if not each.get("EventId")), None)


@cache
def _client() -> Any:
    import boto3

    return boto3.client("events", config=TIMEOUTS.config())
