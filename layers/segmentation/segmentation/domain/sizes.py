"""The size of a segment by day (UTC): the members at the end of each day, and the entries and exits of that day."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import class_row

from segmentation.contract.problems import RequestInvalid, SegmentUnknown
from segmentation.contract.responses import SegmentSize, SizeOfDay

MOST_DAYS = 366

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Row:
    """The range, and the entries and exits of one day: those stored, or those since the counted time."""

    since: date
    until: date
    today: date
    shown_from: date | None
    day: date | None
    began_with: int | None
    """The members at the beginning of a stored day."""
    added: int
    removed: int


# Beside the stored days of the range, the last one before it and the first one after it: a day without a row has the
# members with which the row before it ends, or with which the row after it begins.
DAYS_OF_SEGMENT: LiteralString = """
    select segment.since, segment.until, segment.today, segment.shown_from, found.day,
           found.members - found.added + found.removed as began_with,
           coalesce(found.added, 0) as added, coalesce(found.removed, 0) as removed
      from (select segments.segment_id, counted_days.counted_until, clock.today,
                   case when counted_days.first_day is not null
                        then greatest((segments.created_at at time zone 'UTC')::date, counted_days.first_day)
                    end as shown_from,
                   coalesce(%(since)s::date, coalesce(%(until)s::date, clock.today + 1) - 31) as since,
                   coalesce(%(until)s::date, clock.today + 1) as until
              from segments
             cross join (select (clock_now() at time zone 'UTC')::date as today) clock
              left join counted_days on true
             where segments.slug = %(slug)s::text and segments.deleted_at is null) segment
      left join lateral (
           select segment_days.day, segment_days.members, segment_days.added, segment_days.removed
             from segment_days
            where segment_days.segment_id = segment.segment_id
              and segment_days.day >= coalesce(
                  (select max(earlier.day)
                     from segment_days earlier
                    where earlier.segment_id = segment.segment_id and earlier.day <= segment.since),
                  '-infinity')
              and segment_days.day <= coalesce(
                  (select min(later.day)
                     from segment_days later
                    where later.segment_id = segment.segment_id and later.day >= segment.until),
                  'infinity')
            union all
           select live.day, null, live.added, live.removed
             from changes_of_size_since(segment.segment_id, segment.counted_until) live) found on true
     order by found.day
    """


def list_days(connection: Connection, slug: str, *, since: date | None, until: date | None) -> SegmentSize:
    """Return the size of a segment on each day from one until before another. Default: the last 30 days and today.

    Days before the segment's creation, before the history begins, not counted yet, or in the future are left out.
    Today's members are those of now. Raises SegmentUnknown, or RequestInvalid for a range that is not valid.
    """
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        rows = cursor.execute(DAYS_OF_SEGMENT, {"slug": slug, "since": since, "until": until}).fetchall()
    if not rows:
        raise SegmentUnknown([slug])
    _require_range(rows[0].since, rows[0].until, is_until_given=until is not None)
    return SegmentSize(days=[*_days(rows)])


def _require_range(since: date, until: date, *, is_until_given: bool) -> None:
    if until < since and is_until_given:  # a range that begins in the future is empty
        raise RequestInvalid(("query.to", "must not be before from"))
    if until - since > MOST_DAYS * _DAY:
        raise RequestInvalid(("query.from", f"must be at most {MOST_DAYS} days before to"))


def _days(rows: list[_Row]) -> Iterator[SizeOfDay]:
    """Yield each known day of the range. The rows are in order of day, and today has a stored and a live row."""
    first = rows[0]
    if first.shown_from is None:
        return
    since, until = max(first.since, first.shown_from), min(first.until, first.today + _DAY)
    members = next((row.began_with for row in rows if row.began_with is not None), 0)
    changes: defaultdict[date, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in rows:
        if row.day is not None and row.day < since:
            members += row.added - row.removed
        elif row.day is not None:
            added, removed = changes[row.day]
            changes[row.day] = (added + row.added, removed + row.removed)
    for day in (since + number * _DAY for number in range((until - since).days)):
        added, removed = changes[day]
        members += added - removed
        yield SizeOfDay(day=day, members=members, added=added, removed=removed)
