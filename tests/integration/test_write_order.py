"""A write that waited is dated after the write it waited for. A write reads only the rows it names."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from segmentation.contract.problems import SegmentUnknown
from segmentation.contract.requests import MembershipChange, NewOperation, SegmentChange
from segmentation.database import transactions
from segmentation.database.connection import connect
from segmentation.domain import actions, memberships, segments, users
from segmentation.domain import history as domain_history
from tests.e2e.waiting import eventually
from tests.integration.test_races import changing

ALL = SegmentChange(user_percent=100)
WAITS_FOR_ME = "select from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))"


def await_blocked(superuser, waiting):
    """Wait until the write is blocked by this session. If it has ended instead, fail with its result."""
    eventually(lambda: waiting.done() or superuser.execute(WAITS_FOR_ME).rowcount)
    assert not waiting.done(), waiting.result()


@pytest.fixture
def while_held(empty_database, superuser):
    """Change memberships while another session holds the user's rows, and removes them after their expiry."""

    def run(change):
        with connect(empty_database.url) as own, ThreadPoolExecutor(1) as pool:
            with superuser.transaction():
                superuser.execute("update memberships set expires_at = clock_timestamp() + interval '0.2 seconds'")
                waiting = pool.submit(change, own)
                await_blocked(superuser, waiting)
                superuser.execute("select pg_sleep(0.2)")
                superuser.execute("delete from memberships")
            return waiting.result(timeout=60)

    return run


@pytest.fixture
def scanned(connection):
    """Count the segments that a change of memberships reads by sequential scan."""

    def rows():
        [(found,)] = connection.execute(
            "select seq_tup_read from pg_stat_xact_user_tables where relname = 'segments'"
        ).fetchall()
        return found

    def run(**members):
        with connection.transaction(force_rollback=True):
            before = rows()
            memberships.change(connection, MembershipChange.model_validate(members), actor="analyst")
            return rows() - before

    return run


def test_end_of_a_percent_waits_for_arriving_users(make_segments, connection, empty_database, superuser, slugs_of):
    make_segments("ROLLOUT")
    segments.update(connection, "ROLLOUT", ALL, actor="analyst")
    stopping = partial(segments.update, slug="ROLLOUT", change=SegmentChange(user_percent=None), actor="analyst")

    with connect(empty_database.url) as own, ThreadPoolExecutor(1) as pool:
        with superuser.transaction():
            superuser.execute("insert into users (user_id) values (1)")
            waiting = pool.submit(stopping, own)
            await_blocked(superuser, waiting)
        waiting.result(timeout=60)

    assert slugs_of(1) == ["ROLLOUT"]


def test_action_that_waited_for_the_deletion_of_its_segment_is_refused(make_segments, connection, empty_database):
    make_segments("AVITO_30")
    actions.create(connection, "exposure")
    users.create(connection, 1, actor="analyst")
    exposure = NewOperation(slug="AVITO_30", action="exposure")

    with connect(empty_database.url) as own, ThreadPoolExecutor(1) as pool:
        with connection.transaction():
            segments.delete(connection, "AVITO_30", actor="analyst")
            waiting = pool.submit(domain_history.record, own, 1, exposure, actor="analyst")
            eventually(lambda: connection.execute(WAITS_FOR_ME).rowcount)

        with pytest.raises(SegmentUnknown):
            waiting.result(timeout=60)


@pytest.mark.parametrize("again", [{"add_segments": ["AVITO_30"]}, {"delete_segments": ["AVITO_30"]}])
def test_write_that_waited_for_a_removal_keeps_the_order_of_time(make_segments, change, while_held, history, again):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])

    while_held(changing(user_id=1, **again))

    moments = [row["executed_at"] for row in history(1)]
    assert moments == sorted(moments)


def test_membership_removed_while_its_addition_waited_is_added(make_segments, change, while_held, slugs_of):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])

    changed = while_held(changing(user_id=1, add_segments=["AVITO_30"]))

    assert changed.segments_added == 1
    assert slugs_of(1) == ["AVITO_30"]


def test_membership_removed_while_its_removal_waited_is_not_counted(make_segments, change, while_held):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])

    assert while_held(changing(user_id=1, delete_segments=["AVITO_30"])).segments_deleted == 0


def test_write_reads_only_the_segments_it_names(owner, change, scanned):
    owner.execute("insert into segments (slug) select 'SEGMENT_' || generate_series(1, 1000)")
    owner.execute("analyze segments")
    change(1, add_segments=["SEGMENT_1", "SEGMENT_2"])

    rows = scanned(user_id=1, add_segments=["SEGMENT_3", "SEGMENT_4"], delete_segments=["SEGMENT_1", "SEGMENT_2"])

    assert rows == 0


def test_rollout_is_retried_after_a_write_outside_the_service(
    make_segments, arrive, superuser, empty_database, slugs_of
):
    make_segments("AVITO_30")
    arrive(10)

    with connect(empty_database.url) as own, ThreadPoolExecutor(1) as pool:
        with superuser.transaction():
            superuser.execute("insert into memberships (user_id, segment_id, added_at) values (7, 1, now())")
            waiting = pool.submit(
                transactions.retry_aborted, partial(segments.update, own, "AVITO_30", ALL, actor="analyst")
            )
            await_blocked(superuser, waiting)
        waiting.result(timeout=60)

    assert all(slugs_of(user_id) == ["AVITO_30"] for user_id in range(1, 11))
