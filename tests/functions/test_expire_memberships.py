"""The scheduled function, invoked as EventBridge invokes it."""

import importlib
import json
import re
from types import SimpleNamespace

import psycopg
import pytest

from segmentation.api import idempotency
from segmentation.database.connection import connect
from segmentation.domain import expiry
from segmentation.jobs import leases
from tests.functions.calls import sample
from tests.functions.factories import change, create_segments, done, history_of, memberships_of, rows
from tests.functions.keys import create_user

MINUTE_MS = 60_000
SINCE_ENTRY_SECONDS = 7200
COUNTS = {"removed", "remaining", "oldest_age_seconds"}
MONTHS = "select inhrelid::regclass::text from pg_inherits where inhparent = 'history'::regclass order by 1"
NEXT_YEAR = "select to_char(now() at time zone 'UTC' + interval '1 year', '\"history_\"YYYY_MM')"


def run(*milliseconds_left):
    """Invoke the function. Each reading of the time left takes the next figure, and the last one repeats."""
    left = [*(milliseconds_left or (MINUTE_MS,))]
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: left.pop(0) if len(left) > 1 else left[0])
    return importlib.import_module("functions.expire_memberships.app").handler(sample("expire_memberships"), context)


def metrics_in(log):
    return [line for line in log.lines if line["message"] == "invocation" and "_aws" in line]


@pytest.fixture
def missing_partition(owner):
    """Drop the partition of the month a year ahead. Return its name, and restore it afterwards."""
    keep = "select keep_history_partitions_ahead()"
    with owner.transaction():  # now() must not change within these statements
        owner.execute(keep)
        [(name,)] = owner.execute(NEXT_YEAR).fetchall()
        owner.execute(psycopg.sql.SQL("drop table {}").format(psycopg.sql.Identifier(name)))
    yield name
    owner.execute(keep)


@pytest.fixture
def due(service, owner):
    """Insert memberships of this many users that ended an hour ago."""

    def make(users):
        create_segments("AAA")
        owner.execute("insert into users (user_id) select generate_series(1, %s)", (users,))
        owner.execute(
            """
            insert into memberships (user_id, segment_id, added_at, expires_at)
            select users.user_id, segments.segment_id, now() - interval '2 h', now() - interval '1 h'
              from users, segments
            """
        )

    return make


def test_run_removes_due_memberships_and_counts_them(due, owner):
    due(3)

    assert run() == {"removed": 3, "remaining": 0, "oldest_age_seconds": 0}
    assert rows(owner) == (3, 1, 0, 6)


def test_result_can_be_serialized_as_json(due):
    due(1)

    assert json.loads(json.dumps(run())).keys() == COUNTS


def test_run_without_anything_due_removes_nothing(service):
    assert run() == {"removed": 0, "remaining": 0, "oldest_age_seconds": 0}


def test_run_keeps_memberships_that_are_not_due(due):
    due(1)
    create_segments("BBB", "CCC")
    done(change(1, add=("BBB",)))
    done(change(1, add=("CCC",), ttl=3600))
    before = memberships_of(1)

    assert run()["removed"] == 1
    assert memberships_of(1) == before


def test_second_run_changes_nothing(due, owner):
    due(3)
    run()
    before = rows(owner)

    assert run() == {"removed": 0, "remaining": 0, "oldest_age_seconds": 0}
    assert rows(owner) == before


def test_exit_is_written_by_the_schedule_at_its_due_time(due):
    due(1)

    run()

    entry, end = history_of(1)
    assert (end["operation"], end["reason"], end["actor"]) == ("D", "ttl", "schedule")
    assert end["executed_at"] == end["expires_at"] == entry["expires_at"]


def test_history_is_the_same_before_and_after_the_run(due):
    due(1)
    before = history_of(1)

    run()

    assert history_of(1) == before


def test_run_stops_when_time_is_short_and_counts_the_remaining(due, monkeypatch):
    monkeypatch.setattr(expiry, "BATCH", 2)
    due(5)

    answer = run(MINUTE_MS, 3001, 3000)

    assert (answer["removed"], answer["remaining"]) == (4, 1)
    assert 3600 <= answer["oldest_age_seconds"] < SINCE_ENTRY_SECONDS


def test_next_run_continues_where_the_last_one_stopped(due, monkeypatch, owner):
    monkeypatch.setattr(expiry, "BATCH", 2)
    due(5)

    removed = [run(MINUTE_MS, 0)["removed"] for _ in range(4)]

    assert removed == [2, 2, 1, 0]
    assert rows(owner) == (5, 1, 0, 10)


def test_run_without_time_removes_nothing_and_counts_the_due(due):
    due(2)

    answer = run(0)

    assert (answer["removed"], answer["remaining"]) == (0, 2)


def test_membership_locked_by_another_session_is_skipped_and_counted(due, owner):
    due(3)

    with owner.transaction():
        owner.execute("select from memberships where user_id = 2 for update")
        answer = run()

    assert (answer["removed"], answer["remaining"]) == (2, 1)


@pytest.fixture
def rejected_exit(owner):
    """Make the database reject the exit of user 2."""
    owner.execute("alter table history add constraint no_exit check (user_id <> 2 or action_id <> 2)")
    yield
    owner.execute("alter table history drop constraint no_exit")


def test_membership_that_cannot_be_removed_is_kept_and_raises_the_lag(due, rejected_exit, log):
    due(3)

    answer = run()

    assert (answer["removed"], answer["remaining"]) == (2, 1)
    assert metrics_in(log)[-1]["ExpiryLag"] >= 3600


def test_run_reports_its_counts_as_metrics(due, log, monkeypatch):
    monkeypatch.setattr(expiry, "BATCH", 2)
    due(5)

    run(MINUTE_MS, 0)

    [metrics] = metrics_in(log)
    assert (metrics["MembershipsExpired"], metrics["MembershipsDue"]) == (2, 3)
    assert 3600 <= metrics["ExpiryLag"] < SINCE_ENTRY_SECONDS


def test_run_without_anything_due_reports_zeros(service, log):
    run()

    [metrics] = metrics_in(log)
    assert [metrics[name] for name in ("MembershipsExpired", "MembershipsDue", "ExpiryLag")] == [0] * 3


def test_each_run_reports_its_own_counts_once(due, log):
    due(3)

    run()
    run()

    assert [metrics["MembershipsExpired"] for metrics in metrics_in(log)] == [3, 0]


def test_metrics_are_in_the_embedded_metric_format(service, log):
    run()

    [metrics] = metrics_in(log)
    [directive] = metrics["_aws"]["CloudWatchMetrics"]
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert units == {
        "MembershipsExpired": "Count",
        "MembershipsDue": "Count",
        "ExpiryLag": "Seconds",
        "SizesLag": "Seconds",
    }
    assert directive["Namespace"] == "Segmentation"
    assert re.fullmatch(r"1\d{12}", str(metrics["_aws"]["Timestamp"]))
    assert [metrics[name] for names in directive["Dimensions"] for name in names] == ["segmentation"]


def test_run_creates_the_history_partitions_of_a_year_ahead(service, owner, missing_partition):
    before = owner.execute(MONTHS).fetchall()

    run()

    assert (missing_partition,) not in before
    assert {*before, (missing_partition,)} <= {*owner.execute(MONTHS).fetchall()}


def test_run_skips_a_partition_that_a_reader_has_locked(due, owner, log, missing_partition):
    due(2)

    with owner.transaction():
        owner.execute("lock table history_default in access share mode")
        removed = run()["removed"]

    assert removed == 2
    assert (missing_partition,) not in owner.execute(MONTHS).fetchall()
    assert "its lock is taken" in log.text


def test_run_without_a_database_fails_and_reports_nothing(unreachable_database, log):
    with pytest.raises(psycopg.OperationalError):
        run()

    assert metrics_in(log) == []


def test_failed_run_keeps_its_removals_and_the_next_one_continues(due, owner, monkeypatch):
    monkeypatch.setattr(expiry, "BATCH", 2)
    due(3)
    with monkeypatch.context() as patch:
        patch.setattr(
            expiry, "backlog", lambda connection: connection.execute("select pg_terminate_backend(pg_backend_pid())")
        )
        with pytest.raises(psycopg.OperationalError):
            run(MINUTE_MS, 0)

    assert run()["removed"] == 1
    assert rows(owner) == (3, 1, 0, 6)


def test_run_deletes_idempotency_keys_after_a_day(service, owner, monkeypatch):
    monkeypatch.setattr(idempotency, "BATCH", 2)
    for user_id in range(1, 7):
        done(create_user(user_id, key=f"key-{user_id}"))
    owner.execute(
        "update idempotency_keys set created_at = now() - interval '24 hours' where body <> %s", ('{"user_id":6}',)
    )

    run()

    assert owner.execute("select body from idempotency_keys").fetchall() == [('{"user_id":6}',)]


@pytest.fixture
def failing_sweep(due, rejected_exit, monkeypatch):
    """Make every sweep fail."""
    monkeypatch.setattr(expiry, "MOST_SKIPPED", 0)
    due(2)


def test_failed_sweep_fails_the_run_with_its_own_error(failing_sweep, monkeypatch):
    monkeypatch.setattr(expiry, "backlog", lambda connection: connection.execute("select 1 / 0"))

    with pytest.raises(psycopg.errors.CheckViolation):
        run()


def test_failed_sweep_raises_the_lag(failing_sweep, log):
    with pytest.raises(psycopg.errors.CheckViolation):
        run()

    assert metrics_in(log)[-1]["ExpiryLag"] >= 3600


def test_failed_sweep_does_not_prevent_a_lost_job_from_being_queued(failing_sweep, owner, aws):
    [(job_id,)] = owner.execute(
        """
        insert into jobs (kind, parameters, actor, queued_at)
        values ('rollout', '{}', 'analyst', now() - make_interval(secs => %s)) returning job_id
        """,
        (leases.REQUEUE_SECONDS + 1,),
    ).fetchall()

    with pytest.raises(psycopg.errors.CheckViolation):
        run()

    assert aws.messages() == [str(job_id)]


def test_failed_sweep_does_not_prevent_partitions_from_being_created(failing_sweep, owner):
    before = owner.execute(MONTHS).fetchall()
    [(last,)] = owner.execute(NEXT_YEAR).fetchall()
    owner.execute(psycopg.sql.SQL("drop table {}").format(psycopg.sql.Identifier(last)))

    with pytest.raises(psycopg.errors.CheckViolation):
        run()

    assert owner.execute(MONTHS).fetchall() == before


def test_failed_sweep_does_not_prevent_old_keys_from_being_deleted(failing_sweep, owner):
    done(create_user(7, key="key"))
    owner.execute("update idempotency_keys set created_at = now() - interval '24 hours'")

    with pytest.raises(psycopg.errors.CheckViolation):
        run()

    assert owner.execute("select from idempotency_keys").rowcount == 0


@pytest.mark.direct(reason="a session keeps a lock after its statement")
def test_run_releases_an_advisory_lock_that_a_session_has_kept(service, empty_database, owner):
    with connect(empty_database.url) as session:
        session.execute("select pg_advisory_lock(0, 0)")

        run()

        assert owner.execute("select from pg_locks where locktype = 'advisory'").rowcount == 0
