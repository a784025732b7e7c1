"""The cost of a read does not depend on the number of segments and months."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from segmentation.api.parameters import FIRST_INSTANT, LAST_INSTANT
from segmentation.contract.problems import MAX_ANSWER_BYTES
from segmentation.contract.requests import NewSegment
from segmentation.domain import as_of, evidence, flags, history, memberships, segments
from segmentation.domain.memberships import JSON_OF_USER, SEGMENTS_OF_USER, SLUGS_OF_USERS
from segmentation.reports import user_report
from segmentation.reports.months import Month
from tests.integration.fix_plans import touched as touched

ROWS_OF_MEMBERSHIPS = """
select (idx_tup_fetch + seq_tup_read)::integer from pg_stat_xact_user_tables where relname = 'memberships'
"""


def limit_of(statement):
    return int(re.search(r"limit (\d+)", statement)[1])


@pytest.fixture
def thousand_segments(owner):
    owner.execute("insert into segments (slug) select 'SEGMENT_' || generate_series(1, 1000)")
    owner.execute("insert into users (user_id) select generate_series(1, 100)")
    owner.execute(
        """
        insert into memberships (user_id, segment_id, added_at)
        select users.user_id, segments.segment_id, now()
          from users
          join segments on segments.segment_id % 100 = users.user_id % 100
        """
    )
    owner.execute("analyze segments, memberships")


@pytest.mark.usefixtures("thousand_segments")
@pytest.mark.parametrize(
    ("statement", "arguments"), [(JSON_OF_USER, [7]), (SLUGS_OF_USERS, [1_000_000, [7, 8], [1, 1]])]
)
def test_read_looks_up_only_the_segments_of_its_users(connection, statement, arguments):
    plan = "\n".join(line for (line,) in connection.execute(f"explain {statement}", arguments))

    assert "Seq Scan on segments" not in plan
    assert "using segments_pkey" in plan


@pytest.mark.usefixtures("thousand_segments")
def test_flag_looks_up_only_its_segment(connection):
    asked = {"user_id": 7, "key": "SEGMENT_7"}
    plan = "\n".join(line for (line,) in connection.execute(f"explain {flags.JSON_OF_FLAG}", asked))

    assert "Seq Scan on segments" not in plan
    assert "using segments_live_slug" in plan


@pytest.mark.usefixtures("thousand_segments")
def test_flags_look_up_only_the_memberships_of_their_user(connection):
    with connection.transaction(), connection.cursor() as cursor:
        [(before,)] = connection.execute(ROWS_OF_MEMBERSHIPS).fetchall()
        flags.evaluate_all(cursor, 7)
        [(after,)] = connection.execute(ROWS_OF_MEMBERSHIPS).fetchall()

    assert after - before < 20  # ten, and those that the planner reads, of a thousand


@pytest.mark.usefixtures("thousand_segments")
def test_batch_looks_a_repeated_user_up_once(connection):
    with connection.transaction():
        [(before,)] = connection.execute(ROWS_OF_MEMBERSHIPS).fetchall()
        memberships.list_for_users(connection, [7] * 100)
        [(after,)] = connection.execute(ROWS_OF_MEMBERSHIPS).fetchall()

    assert after - before == 10


def test_limits_of_the_reads_are_beyond_the_longest_answer():
    shortest = '{"slug":"AAA","added_at":"2023-08-28T10:25:25Z","expires_at":null},'

    flag = '{"key":"AAA","value":false,"variant":"off","reason":"SPLIT","metadata":{}},'

    assert limit_of(flags.JSON_OF_FLAGS) * len(json.dumps(flag)[1:-1]) > MAX_ANSWER_BYTES
    assert limit_of(SEGMENTS_OF_USER) * len(json.dumps(shortest)[1:-1]) > MAX_ANSWER_BYTES
    assert limit_of(SLUGS_OF_USERS) * len(json.dumps('"AAA",')[1:-1]) > MAX_ANSWER_BYTES


@pytest.mark.direct(reason="prepares statements")
def test_month_of_a_user_is_planned_once_for_its_partition(connection):
    for user_id in range(1, 9):
        list(user_report.rows_of_user(connection, user_id, Month(2024, 7)))

    [(kept,)] = connection.execute(
        "select generic_plans from pg_prepared_statements where statement like '%2024-07-01%'"
    ).fetchall()
    assert kept > 0


@pytest.fixture
def long_history(connection, superuser):
    """Give user 1 a long history, with ten rows of each instant."""
    superuser.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        select 1, number, 'AVITO_30', 2, 'ttl', 'schedule', '2024-01-01'::timestamptz + number / 10 * interval '1 hour'
          from generate_series(1, 20000) number
        """
    )
    # remove the dead rows and the statistics that earlier tests left
    superuser.execute("vacuum (analyze) history, memberships, segments, actions")


READ = """
select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::integer
  from pg_stat_xact_user_tables
 where relname like 'history%'
"""


@pytest.mark.usefixtures("long_history")
def test_page_of_history_reads_only_its_own_rows(connection):
    with connection.transaction():
        [(before,)] = connection.execute(READ).fetchall()
        history.list_for_user(
            connection, 1, since=FIRST_INSTANT, until=LAST_INSTANT, after="2024-02-01T00:00:00+00:00 7", limit=100
        )
        [(after,)] = connection.execute(READ).fetchall()

    assert 100 < after - before < 200


@pytest.fixture
def ten_thousand_operations(connection, superuser):
    """Let user 7 enter and leave ten segments in turn, an operation a minute, among the rows of other users."""
    superuser.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        select user_id, 1 + number % 10, 'SEGMENT', 1 + number / 10 % 2, 'manual', 'analyst',
               '2024-01-01 00:00Z'::timestamptz + number * interval '1 minute'
          from generate_series(0, 9999) number
         cross join generate_series(6, 8) user_id
        """
    )
    superuser.execute("insert into users (user_id) select generate_series(6, 8)")
    segments.create(connection, NewSegment(slug="SEGMENT_1"), actor="analyst")
    superuser.execute("update segments set created_at = '2023-01-01Z'")
    superuser.execute("update segment_changes set changed_at = '2023-01-01Z'")
    superuser.execute("vacuum (analyze) history, memberships, segments, segment_changes, actions")


@pytest.mark.usefixtures("ten_thousand_operations")
def test_read_of_an_instant_reads_what_followed_it_and_the_entries_before_it(connection, touched):
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=9899)

    with connection.transaction():
        before = touched("history")
        as_of.list_for_user(connection, 7, at)
        rows = touched("history") - before

    assert 100 <= rows < 200


@pytest.fixture
def complete_month(superuser, ten_thousand_operations):
    """Let user 7 be created before these operations, all of which are in the partition of their month."""
    superuser.execute("update users set created_at = '2024-01-01 00:00Z'")
    superuser.execute("select create_history_partitions('2024-01-01', 1)")
    superuser.execute("vacuum (analyze) history")
    yield
    superuser.execute("drop table history_2024_01")


@pytest.mark.usefixtures("complete_month")
def test_read_of_an_early_instant_reads_what_preceded_it(connection, touched):
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=109)

    with connection.transaction():
        before = touched("history")
        found = json.loads(as_of.list_for_user(connection, 7, at).body)["segments"]
        rows = touched("history") - before

    assert [one["slug"] for one in found] == ["SEGMENT_1"]
    assert 100 <= rows < 1200


@pytest.mark.usefixtures("ten_thousand_operations")
def test_explanation_reads_no_more_than_it_shows(connection, touched):
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=9899)

    with connection.transaction():
        before = touched("history")
        evidence.explain(connection, 7, "SEGMENT_1", at)
        rows = touched("history") - before

    assert rows < 300
