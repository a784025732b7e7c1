"""A batch reads only its own rows, in whatever order the rows lie on disk.

The tables are filled in random order. Their size is one at which Postgres would rather sort all rows for each batch.
"""

from datetime import datetime

import pytest
from psycopg import Connection

from segmentation.api.parameters import FIRST_INSTANT, LAST_INSTANT
from segmentation.contract.requests import NewReport
from segmentation.domain import deletion, expiry, segments, users
from segmentation.domain import history as domain_history
from segmentation.jobs import leases
from segmentation.reports import member_rows, month_rows
from segmentation.reports.member_rows import Scope
from segmentation.reports.month_rows import Place
from segmentation.reports.months import Month
from tests.integration.fix_jobs import NO_TIME_LIMIT
from tests.integration.fix_plans import plans as plans
from tests.integration.fix_plans import scans, unbounded_sorts
from tests.integration.fix_plans import touched as touched

ROWS = 20_000
AUGUST = Month(2023, 8)
REPORT = NewReport(year=2023, month=8)
NOON = "2023-08-10T12:00:00Z"
IN_ORDER = {"Index Scan", "Index Only Scan", "Tid Scan"}

pytestmark = pytest.mark.direct(reason="explains the statements of one session")


@pytest.fixture
def random_month(superuser):
    """Write a month of history in random order."""
    superuser.execute("select create_history_partitions('2023-08-01', 1)")
    superuser.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        select 1 + number %% 1000, 1, 'AVITO_30', 1, 'manual', 'analyst',
               timestamptz '2023-08-01T00:00:00Z' + number * interval '1 minute'
          from generate_series(1, %s) number
         order by hashint8(number)
        """,
        (ROWS,),
    )
    superuser.execute("analyze history")


@pytest.fixture
def due(superuser, make_segments):
    """Create memberships in random order, which are all due at one instant."""
    make_segments("AVITO_30")
    fill(superuser, NOON)


@pytest.fixture
def members(superuser, make_segments):
    """Create memberships without an end, in random order."""
    make_segments("AVITO_30")
    fill(superuser, None)


def fill(superuser: Connection, expires_at: str | None) -> None:
    superuser.execute("set session_replication_role = replica")
    superuser.execute("insert into users (user_id) select number from generate_series(1, %s) number", (ROWS,))
    superuser.execute(
        """
        insert into memberships (user_id, segment_id, added_at, expires_at)
        select users.user_id, 1, '2023-08-01T00:00:00Z', %s from users order by hashint8(users.user_id)
        """,
        (expires_at,),
    )
    superuser.execute("analyze users, memberships")


def read_month(connection, limit):
    """Read the month batch by batch, and return the number of rows."""
    scope = month_rows.fix_scope(connection, AUGUST, AUGUST.ends_at)
    place, is_last, rows = Place(AUGUST.begins_at), False, 0
    with connection.transaction():
        while not is_last:
            for batch in month_rows.read(connection, REPORT, scope, place, limit):
                place, is_last, rows = batch.place, batch.is_last, rows + batch.lines
        yield rows


def assert_reads_in_order(plans, table):
    found = plans.of(table)
    assert found, f"no statement reads {table}"
    for plan in found:
        assert scans(plan, table) <= IN_ORDER
        assert not [name for name in unbounded_sorts(plan) if name.startswith(table)]


@pytest.mark.usefixtures("random_month", "due")
def test_month_is_read_in_the_order_of_its_index(connection, plans):
    [rows] = read_month(connection, limit=10_000)

    assert rows == 2 * ROWS
    assert_reads_in_order(plans, "history")
    assert_reads_in_order(plans, "memberships")


@pytest.mark.usefixtures("due")
def test_due_exits_of_one_instant_are_each_read_once(connection, touched):
    reading = read_month(connection, limit=1000)

    assert next(reading) == ROWS
    assert ROWS <= touched("memberships") < 1.1 * ROWS


@pytest.mark.usefixtures("due")
def test_sweep_reads_in_the_order_of_the_index(connection, plans):
    assert expiry.sweep(connection, go_on=lambda: True) == ROWS
    assert_reads_in_order(plans, "memberships")


@pytest.mark.usefixtures("due")
def test_sweep_reads_the_memberships_due_at_one_instant_once(connection, touched, monkeypatch):
    monkeypatch.setattr(expiry, "BATCH", 1000)

    with connection.transaction():
        expiry.sweep(connection, go_on=lambda: True)
        read = touched("memberships")

    assert read < 3 * ROWS  # once to find them, once to delete them


@pytest.mark.usefixtures("members", "aws")
def test_deletion_job_reads_in_the_order_of_the_index(connection, plans, deliver, monkeypatch):
    monkeypatch.setattr(deletion, "MOST_MEMBERS", 0)
    deleted = segments.delete(connection, "AVITO_30", actor="analyst")
    plans.found.clear()

    deliver(deleted.job_id, **NO_TIME_LIMIT)

    assert leases.get(connection, deleted.job_id).result == {"users_deleted": ROWS}
    assert_reads_in_order(plans, "memberships")
    assert_reads_in_order(plans, "history")


@pytest.mark.usefixtures("members", "aws")
def test_report_ends_pending_deletions_in_the_order_of_the_index(connection, plans, monkeypatch):
    monkeypatch.setattr(deletion, "MOST_MEMBERS", 0)
    segments.delete(connection, "AVITO_30", actor="analyst")
    plans.found.clear()

    assert sum(deletion.end_pending_deletions(connection)) == ROWS
    assert_reads_in_order(plans, "memberships")


def read_members(connection, at="2023-09-01T00:00:00Z", limit=4000):
    """Export the segment of the members batch by batch, and return the number of rows."""
    scope, after, is_last, rows = Scope(1, datetime.fromisoformat(at), ","), 0, False, 0
    with connection.transaction():
        while not is_last:
            for batch in member_rows.read(connection, scope, after, limit):
                after, is_last, rows = batch.place, batch.is_last, rows + batch.lines
        yield rows


@pytest.mark.usefixtures("members")
def test_export_reads_each_member_once_in_the_order_of_its_index(connection, plans, touched):
    reading = read_members(connection)

    assert next(reading) == ROWS
    assert ROWS <= touched("memberships") < 1.1 * ROWS
    assert_reads_in_order(plans, "memberships")


@pytest.mark.usefixtures("members", "random_month")
def test_export_reads_no_history_before_its_instant(connection, touched):
    reading = read_members(connection)

    assert next(reading) == ROWS
    assert touched("history") < 100  # the planner looks at the ends of the index


@pytest.mark.usefixtures("members", "random_month")
def test_export_of_a_past_instant_reads_the_history_since_then_once(connection, touched):
    reading = read_members(connection, at="2023-08-01T00:00:00Z", limit=500)

    assert next(reading) == ROWS
    assert touched("history") < 5 * ROWS  # to choose how to read, to find where a batch ends, and to read it
    assert touched("memberships") < 2 * ROWS


@pytest.mark.usefixtures("members")
def test_page_of_members_is_read_in_the_order_of_its_index(connection, plans):
    page = segments.list_members(connection, "AVITO_30", after=5000, limit=1000)

    assert len(page.users) == 1000
    assert_reads_in_order(plans, "memberships")


@pytest.mark.usefixtures("members")
def test_page_of_users_is_read_in_the_order_of_its_index(connection, plans):
    page = users.list_users(connection, after=5000, limit=1000)

    assert len(page.users) == 1000
    assert_reads_in_order(plans, "users")


def test_page_of_segments_is_read_in_the_order_of_its_index(connection, superuser, plans):
    superuser.execute(
        "insert into segments (slug) select 'AVITO_' || number from generate_series(1, %s) number"
        " order by hashint8(number)",
        (ROWS,),
    )
    superuser.execute("analyze segments")

    page = segments.list_segments(connection, prefix="AVITO_", after="AVITO_15", limit=1000)

    assert len(page.segments) == 1000
    assert_reads_in_order(plans, "segments")


def test_page_of_a_long_history_is_read_in_the_order_of_its_index(connection, superuser, random_month, plans):
    superuser.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        select 1, 1, 'AVITO_30', 1, 'manual', 'analyst',
               timestamptz '2023-08-01T00:00:00Z' + number * interval '1 minute'
          from generate_series(1, %s) number
         order by hashint8(number)
        """,
        (ROWS,),
    )
    superuser.execute("analyze history")

    page = domain_history.list_for_user(
        connection, 1, since=FIRST_INSTANT, until=LAST_INSTANT, after="2023-08-05T00:00:00+00:00 7", limit=1000
    )

    assert len(page.operations) == 1000
    assert_reads_in_order(plans, "history")
