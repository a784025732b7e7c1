"""A page of the feed reads a range of its index, however long the history is."""

import pytest

from segmentation.domain import feed
from tests.feed import page
from tests.integration.fix_plans import touched as touched

ROWS = 60_000
LIMIT = 100

pytestmark = pytest.mark.direct(reason="counts the rows that one session reads")


@pytest.fixture(autouse=True)
def long_month(superuser):
    superuser.execute("select create_history_partitions('2023-08-01', 1)")
    superuser.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        select 1 + hashint8(number)::bigint & 1023, 1, 'AVITO_30', 1 + number %% 2, 'manual', 'analyst',
               timestamptz '2023-08-01T00:00:00Z' + number * interval '1 second'
          from generate_series(1, %s) number
        """,
        (ROWS,),
    )
    superuser.execute("vacuum (analyze) history")


@pytest.mark.parametrize("stored", [True, False], ids=["behind the stored id", "at the end"])
def test_a_page_reads_few_rows_by_the_index_of_the_ids(connection, touched, stored):
    if stored:
        feed.store_settled(connection)
    with connection.transaction():
        before = touched("history_2")
        found = page(connection, after=ROWS // 2, limit=LIMIT).events
        rows = touched("history_2") - before

    assert [event.event_id for event in found] == [*range(ROWS // 2 + 1, ROWS // 2 + 1 + LIMIT)]
    assert rows < ROWS // 10


def test_a_gap_is_crossed_without_reading_the_rows_behind_it(superuser, connection, touched):
    superuser.execute("delete from history where history_id <= %s", (ROWS // 2,))
    superuser.execute("vacuum (analyze) history")
    with connection.transaction():
        before = touched("history_2")
        found = page(connection, limit=LIMIT).events
        rows = touched("history_2") - before

    assert found[0].event_id == ROWS // 2 + 1
    assert len(found) == LIMIT
    assert rows < ROWS // 2


def test_the_newest_page_is_found_without_reading_the_history(superuser, connection, touched):
    feed.store_settled(connection)
    with connection.transaction():
        before = touched("history_2")
        found = page(connection, after=ROWS - 1, limit=LIMIT).events
        rows = touched("history_2") - before

    assert len(found) == 1
    assert rows < ROWS // 10
