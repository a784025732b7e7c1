"""The cost of a size does not depend on the members of the segment, on other segments or on the counted history."""

import pytest

from segmentation.domain import segments, size_counting
from tests.integration.fix_plans import touched as touched
from tests.reads import sizes_of

MEMBERS = 5000


@pytest.fixture
def large(connection, owner, superuser, make_segments):
    """A segment with many members whose lifetimes end later, a year of days, and a long history that is counted."""
    make_segments("AVITO_30", "AVITO_50")
    owner.execute("insert into users (user_id) select generate_series(1, %s)", (MEMBERS,))
    owner.execute(
        """
        insert into memberships (user_id, segment_id, added_at, expires_at)
        select users.user_id, segments.segment_id, now(), now() + interval '1 day'
          from users
         cross join segments
        """
    )
    size_counting.count(connection, go_on=lambda: True)
    owner.execute("update segments set created_at = now() - interval '2 years'")
    owner.execute("update size_progress set counted_from = now() - interval '2 years'")
    owner.execute(
        """
        insert into segment_days (segment_id, day, members)
        select segments.segment_id, (now() at time zone 'UTC')::date - number, 0
          from segments
         cross join generate_series(1, 600) number
        """
    )
    superuser.execute("vacuum (analyze) history, memberships, segments, segment_days")


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("calls", [1, 7], ids=["first plan", "kept plan"])
def test_size_reads_its_days_and_what_is_not_counted_yet(connection, touched, calls):
    for _ in range(calls - 1):
        sizes_of(connection, "AVITO_30")

    with connection.transaction():
        before = [touched(table) for table in ("memberships", "history", "segment_days")]
        assert len(sizes_of(connection, "AVITO_30")) == 31
        after = [touched(table) for table in ("memberships", "history", "segment_days")]

    read = [now - then for now, then in zip(after, before, strict=True)]
    assert read[0] <= 10
    assert read[1] <= 10
    assert read[2] <= 40


@pytest.mark.usefixtures("large")
def test_list_reads_one_day_of_each_segment(connection, touched):
    with connection.transaction():
        before = touched("segment_days")
        assert len(segments.list_segments(connection, prefix="", after="", limit=100).segments) == 2
        assert touched("segment_days") - before <= 4
