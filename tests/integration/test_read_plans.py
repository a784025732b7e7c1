"""Reads take as long however many segments and months there are."""

import pytest

from segmentation import reports
from segmentation.memberships import SEGMENTS_OF_USER, SLUGS_OF_USERS
from segmentation.months import Month


@pytest.fixture
def thousand_segments(connection):
    with connection.transaction(force_rollback=True):
        connection.execute("insert into segments (slug) select 'SEGMENT_' || generate_series(1, 1000)")
        connection.execute("insert into users (user_id) select generate_series(1, 100)")
        connection.execute(
            """
            insert into memberships (user_id, segment_id, added_at)
            select users.user_id, segments.segment_id, now()
              from users
              join segments on segments.segment_id % 100 = users.user_id % 100
            """
        )
        connection.execute("analyze segments, memberships")
        yield


@pytest.mark.usefixtures("thousand_segments")
@pytest.mark.parametrize(("statement", "users"), [(SEGMENTS_OF_USER, 7), (SLUGS_OF_USERS, [7, 8])])
def test_a_read_looks_up_the_segments_of_its_users_and_no_others(connection, statement, users):
    plan = "\n".join(line for (line,) in connection.execute(f"explain {statement}", (users,)))

    assert "Seq Scan on segments" not in plan
    assert "using segments_pkey" in plan


@pytest.mark.direct(reason="prepares statements")
def test_a_month_of_a_user_is_planned_for_its_partition_once_and_not_for_every_read(connection):
    for user_id in range(1, 9):
        list(reports.rows_of_user(connection, user_id, Month(2024, 7)))

    [(kept,)] = connection.execute(
        "select generic_plans from pg_prepared_statements where statement like '%2024-07-01%'"
    ).fetchall()
    assert kept > 0
