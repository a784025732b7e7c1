"""A sweep that is late, repeated or concurrent writes each exit once, dated at its due time."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from psycopg import sql
from psycopg.errors import CheckViolation, LockNotAvailable

from segmentation.contract.requests import LifetimeChange
from segmentation.domain import expiry, memberships
from tests.fix_log import log as log

sweep = partial(expiry.sweep, go_on=lambda: True)


@pytest.fixture
def due(make_segments, change, expire):
    """Give this many users one expired membership each."""

    def make(users):
        make_segments("AVITO_30")
        for user_id in range(1, users + 1):
            change(user_id, add_segments=["AVITO_30"], ttl=3600)
            expire(user_id, "AVITO_30")

    return make


def exits(rows):
    return [row for row in rows if row["operation"] == "D"]


def test_sweep_writes_the_exit_at_its_due_time(connection, due, history):
    due(1)

    sweep(connection)

    [end] = exits(history())
    assert (end["reason"], end["actor"], end["executed_at"]) == ("ttl", "schedule", end["expires_at"])


def test_second_sweep_finds_nothing(connection, due, history):
    due(3)

    assert [sweep(connection), sweep(connection)] == [3, 0]
    assert len(exits(history())) == 3


def test_concurrent_sweeps_share_the_work(due, at_once, history, monkeypatch):
    monkeypatch.setattr(expiry, "BATCH", 7)
    due(60)

    removed = at_once(*[sweep] * 4)

    assert sum(removed) == len(exits(history())) == 60


def test_sweep_works_in_batches(connection, due, monkeypatch):
    monkeypatch.setattr(expiry, "BATCH", 4)
    due(10)

    assert sweep(connection) == 10


def test_sweep_stops_when_its_time_is_over_and_the_next_run_continues(connection, due, monkeypatch):
    monkeypatch.setattr(expiry, "BATCH", 4)
    due(10)
    time_left = iter([True, True, False])

    first = expiry.sweep(connection, go_on=lambda: next(time_left))

    assert (first, sweep(connection)) == (8, 2)


def test_sweep_skips_memberships_that_another_session_has_locked(connection, owner, due):
    due(3)

    with owner.transaction():
        owner.execute("select from memberships where user_id = 2 for update")
        assert sweep(connection) == 2

    assert sweep(connection) == 1


@pytest.fixture
def refuse_exits(owner):
    """Make the database refuse the exits of these users, as a damaged row or an added constraint would."""

    def refuse(*users):
        rule = sql.SQL("user_id <> all ({}) or action_id <> 2").format(sql.Literal([*users]))
        owner.execute(sql.SQL("alter table history add constraint refused_exits check ({})").format(rule))

    yield refuse
    owner.execute("alter table history drop constraint refused_exits")


@pytest.mark.parametrize("stuck", [(1,), (12,), (3, 4, 11)])
def test_membership_that_cannot_be_removed_delays_no_other(connection, due, refuse_exits, history, monkeypatch, stuck):
    monkeypatch.setattr(expiry, "BATCH", 4)
    due(12)
    refuse_exits(*stuck)

    assert sweep(connection) == 12 - len(stuck)
    assert {row["user_id"] for row in exits(history())} == {*range(1, 13)} - {*stuck}
    assert expiry.backlog(connection).memberships == len(stuck)


def test_membership_that_could_not_be_removed_is_named_in_the_log(connection, due, refuse_exits, log):
    due(3)
    refuse_exits(2)

    sweep(connection)

    [line] = log.lines
    assert (line["level"], line["message"]) == ("ERROR", "membership cannot be removed")
    assert (line["user_id"], line["segment_id"]) == (2, 1)


def test_membership_that_could_not_be_removed_is_removed_later(connection, owner, due, refuse_exits):
    due(3)
    refuse_exits(2)
    sweep(connection)
    owner.execute("alter table history drop constraint refused_exits, add constraint refused_exits check (true)")

    assert sweep(connection) == 1


def test_database_that_refuses_every_removal_ends_the_run(connection, due, refuse_exits, monkeypatch):
    monkeypatch.setattr(expiry, "MOST_SKIPPED", 2)
    due(4)
    refuse_exits(1, 2, 3, 4)

    with pytest.raises(CheckViolation):
        sweep(connection)


def test_sweep_that_finds_a_table_locked_leaves_the_work_to_the_next_run(connection, owner, due):
    due(2)

    with owner.transaction():
        owner.execute("lock table history in access exclusive mode")
        with pytest.raises(LockNotAvailable):
            sweep(connection)

    assert sweep(connection) == 2


def test_many_memberships_due_at_one_instant_are_all_swept(connection, superuser, due, monkeypatch):
    monkeypatch.setattr(expiry, "BATCH", 2)
    due(7)
    superuser.execute("set session_replication_role = replica")
    superuser.execute("update memberships set expires_at = now() - interval '1 minute'")

    assert sweep(connection) == 7


def test_lifetime_extended_while_sweeps_run_is_never_lost(make_segments, change, at_once, slugs_of, superuser):
    make_segments("AVITO_30")
    in_time, around_the_end = range(1, 6), range(6, 41)
    for user_id in (*in_time, *around_the_end):
        change(user_id, add_segments=["AVITO_30"], ttl=3600)
    [(end,)] = superuser.execute("select clock_timestamp() + interval '3 seconds'").fetchall()
    superuser.execute("update memberships set expires_at = %s", (end,))

    def extend(user_id, own):
        try:
            return memberships.change_lifetime(own, user_id, "AVITO_30", LifetimeChange(ttl=3600), actor="analyst")
        except memberships.MembershipUnknown:
            return None

    def sweep_until_after_the_end(own):
        while datetime.now(UTC) < end + timedelta(seconds=0.5):
            sweep(own)

    def extend_all(own):
        extended = [user_id for user_id in in_time if extend(user_id, own)]
        own.execute("select pg_sleep(extract(epoch from %s - clock_timestamp()) - 0.03)", (end,))
        return extended + [user_id for user_id in around_the_end if extend(user_id, own)]

    *_, extended = at_once(sweep_until_after_the_end, sweep_until_after_the_end, extend_all)

    assert extended[: len(in_time)] == [*in_time]
    assert [user_id for user_id in (*in_time, *around_the_end) if slugs_of(user_id)] == extended


def test_sweep_reads_only_due_memberships(connection, superuser, make_segments):
    make_segments("AVITO_30")
    superuser.execute("set session_replication_role = replica")
    superuser.execute("insert into users (user_id) select generate_series(1, 20000)")
    superuser.execute(
        """
        insert into memberships (user_id, segment_id, added_at, expires_at)
        select users.user_id, segments.segment_id, now() - interval '1 day',
               case when users.user_id <= 2000 then now() - interval '1 hour' end
          from users, segments
        """
    )
    superuser.execute("vacuum (analyze) memberships")

    scans = "select seq_scan from pg_stat_xact_user_tables where relname = 'memberships'"
    with connection.transaction():
        before = connection.execute(scans).fetchall()
        assert sweep(connection) == 2000
        after = connection.execute(scans).fetchall()

    assert after == before


def test_backlog_counts_due_memberships_and_the_age_of_the_oldest(connection, due):
    due(2)

    left = expiry.backlog(connection)

    assert left.memberships == 2
    assert 1 <= left.oldest_age_seconds < 3600


def test_empty_backlog_is_zero(connection):
    assert expiry.backlog(connection) == expiry.Backlog(memberships=0, oldest_age_seconds=0)
