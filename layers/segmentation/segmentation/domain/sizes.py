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
class _Found:
    """The range, the stored days, and the days with operations since the counted time.

    A day is the number of days since the beginning of the range. The lists have one order, and one null if there is no
    day.
    """

    since: date
    until: date
    today: date
    shown_from: date | None
    days: list[int | None]
    began_with: list[int | None]
    """The members at the beginning of a stored day."""

    added: list[int]
    removed: list[int]


# The stored days are those of the range, the last one before it and the first one after it. A day without a row has the
# members with which the row before it ends, or with which the row after it begins.
DAYS_OF_SEGMENT: LiteralString = """
    select segment.since, segment.until, segment.today, segment.shown_from,
           array_agg(found.day - segment.since order by found.day) as days,
           array_agg(found.members - found.added + found.removed order by found.day) as began_with,
           array_agg(coalesce(found.added, 0) order by found.day) as added,
           array_agg(coalesce(found.removed, 0) order by found.day) as removed
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
     group by segment.since, segment.until, segment.today, segment.shown_from
    """


def list_days(connection: Connection, slug: str, *, since: date | None, until: date | None) -> SegmentSize:
    """Return the size of a segment on each day of a half-open range. Default: the last 30 days and today.

    Days before the segment's creation, before the history begins, not counted yet, or in the future are left out.
    The members of today are those of now. Raises SegmentUnknown, or RequestInvalid for a range that is not valid.
    """
    with connection.cursor(row_factory=class_row(_Found)) as cursor:
        found = cursor.execute(DAYS_OF_SEGMENT, {"slug": slug, "since": since, "until": until}).fetchone()
    if found is None:
        raise SegmentUnknown([slug])
    _require_range(found.since, found.until, is_until_given=until is not None)
    return SegmentSize(days=[*_days(found)])


def _require_range(since: date, until: date, *, is_until_given: bool) -> None:
    if until < since and is_until_given:  # a range that begins in the future is empty
        raise RequestInvalid(("query.to", "must not be before from"))
    if until - since > MOST_DAYS * _DAY:
        raise RequestInvalid(("query.from", f"must be at most {MOST_DAYS} days before to"))


def _days(found: _Found) -> Iterator[SizeOfDay]:
    """Yield each known day of the range. Today has a stored and a live row."""
    if found.shown_from is None:
        return
    first = (max(found.since, found.shown_from) - found.since).days
    members = next((number for number in found.began_with if number is not None), 0)
    changes: defaultdict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for day, added, removed in zip(found.days, found.added, found.removed, strict=True):
        if day is not None and day < first:
            members += added - removed
        elif day is not None:
            before = changes[day]
            changes[day] = (before[0] + added, before[1] + removed)
    for day in range(first, (min(found.until, found.today + _DAY) - found.since).days):
        added, removed = changes[day]
        members += added - removed
        yield SizeOfDay(day=found.since + day * _DAY, members=members, added=added, removed=removed)
