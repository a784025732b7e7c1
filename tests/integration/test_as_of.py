"""The segments of a user at a past instant."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from segmentation.contract.problems import InstantUnsettled, RequestInvalid
from segmentation.contract.requests import LifetimeChange, NewOperation, SegmentChange
from segmentation.database import watermark
from segmentation.database.clock import next_moment
from segmentation.database.connection import connect
from segmentation.domain import actions, as_of, deletion, expiry, history, memberships, segments, users
from tests.reads import segments_of

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture
def now(connection):
    """Return an instant after all that is written, and before all that follows."""
    return lambda: next_moment(connection)


@pytest.fixture
def at(connection):
    """Read the segments of user 7 at an instant."""

    def read(instant, user_id=7):
        return json.loads(as_of.list_for_user(connection, user_id, instant).body)["segments"]

    return read


@pytest.fixture
def slugs_at(at):
    return lambda instant, user_id=7: [found["slug"] for found in at(instant, user_id)]


@pytest.fixture
def moved(superuser):
    """Move all that is recorded into the past, and return the same instant there."""

    def move(instant, by):
        with superuser.transaction():
            superuser.execute("set local session_replication_role = replica")
            for statement in (
                "update memberships set added_at = added_at - %(by)s, expires_at = expires_at - %(by)s",
                "update history set executed_at = executed_at - %(by)s, expires_at = expires_at - %(by)s",
                "update segments set created_at = created_at - %(by)s, deleted_at = deleted_at - %(by)s",
                "update segment_changes set changed_at = changed_at - %(by)s",
                "update users set created_at = created_at - %(by)s",
            ):
                superuser.execute(statement, {"by": by})
        return instant - by

    return move


@pytest.fixture(autouse=True, params=["undone", "folded where it is complete"])
def _most_undone(request, monkeypatch):
    """Run each test with both ways to find the memberships."""
    if request.param != "undone":
        monkeypatch.setattr(as_of, "MOST_UNDONE", 0)


@pytest.fixture(autouse=True)
def _segments(make_segments):
    make_segments("AVITO_30", "AVITO_50")


def test_entry_and_exit_count_from_their_own_instants(connection, change, at, history):
    change(7, add_segments=["AVITO_30"])
    change(7, delete_segments=["AVITO_30"])

    entered, left = [row["executed_at"] for row in history(7)]

    microsecond = timedelta(microseconds=1)
    assert at(entered - microsecond) == []
    assert [found["slug"] for found in at(entered)] == ["AVITO_30"]
    assert [found["slug"] for found in at(left - microsecond)] == ["AVITO_30"]
    assert at(left) == []


def test_past_answer_is_the_one_that_was_read_then(connection, change, now, at):
    change(7, add_segments=["AVITO_50", "AVITO_30"], ttl=3600)
    then = now()
    read_then = [found.model_dump(mode="json") for found in segments_of(connection, 7)]

    change(7, delete_segments=["AVITO_50", "AVITO_30"])

    assert at(then) == read_then


def test_membership_of_today_shows_the_lifetime_of_then(connection, change, now, at):
    change(7, add_segments=["AVITO_30"], ttl=3600)
    then = now()
    before = at(then)

    memberships.change_lifetime(connection, 7, "AVITO_30", LifetimeChange(ttl=None), actor="analyst")

    assert before[0]["expires_at"] is not None
    assert at(then) == before
    assert at(now())[0]["expires_at"] is None


def test_second_change_of_a_lifetime_does_not_hide_the_first(connection, change, now, at):
    change(7, add_segments=["AVITO_30"])
    memberships.change_lifetime(connection, 7, "AVITO_30", LifetimeChange(ttl=7200), actor="analyst")
    then = now()
    before = at(then)

    memberships.change_lifetime(connection, 7, "AVITO_30", LifetimeChange(ttl=3600), actor="analyst")
    change(7, delete_segments=["AVITO_30"])

    assert before[0]["expires_at"] is not None
    assert at(then) == before


@pytest.mark.parametrize("swept", [False, True])
def test_lifetime_that_had_ended_ends_the_membership_before_the_sweep(connection, change, expire, swept, slugs_at, now):
    change(7, add_segments=["AVITO_30"], ttl=3600)
    expire(7, "AVITO_30")
    if swept:
        expiry.sweep(connection, go_on=lambda: True)

    assert slugs_at(now() - timedelta(seconds=10)) == ["AVITO_30"]
    assert slugs_at(now()) == []


def test_user_who_came_back_was_away_in_between(change, now, at):
    change(7, add_segments=["AVITO_30"])
    first = now()
    change(7, delete_segments=["AVITO_30"])
    away = now()
    change(7, add_segments=["AVITO_30"])

    assert at(away) == []
    assert at(first)[0]["added_at"] < at(now())[0]["added_at"]


def test_membership_that_replaced_an_expired_one_has_its_own_times(connection, change, expire, at, now):
    change(7, add_segments=["AVITO_30"], ttl=3600)
    expire(7, "AVITO_30")
    [(added_at, ended_at)] = connection.execute("select added_at, expires_at from memberships").fetchall()

    change(7, add_segments=["AVITO_30"])

    [before] = at(ended_at - timedelta(microseconds=1))
    assert datetime.fromisoformat(before["added_at"]) == added_at
    assert datetime.fromisoformat(before["expires_at"]) == ended_at
    assert at(ended_at) == []
    assert at(now())[0]["expires_at"] is None


def test_slug_is_the_one_of_that_time(connection, change, now, slugs_at):
    change(7, add_segments=["AVITO_30", "AVITO_50"])
    before = now()
    segments.update(connection, "AVITO_30", SegmentChange(slug="AVITO_90"), actor="analyst")
    renamed = now()
    segments.update(connection, "AVITO_90", SegmentChange(slug="AVITO_95"), actor="analyst")

    assert slugs_at(before) == ["AVITO_30", "AVITO_50"]
    assert slugs_at(renamed) == ["AVITO_50", "AVITO_90"]


def test_deleted_segment_has_members_until_its_deletion(connection, change, now, slugs_at):
    change(7, add_segments=["AVITO_30"])
    then = now()

    segments.delete(connection, "AVITO_30", actor="analyst")

    assert slugs_at(then) == ["AVITO_30"]
    assert slugs_at(now()) == []


def test_exits_that_a_job_has_not_written_yet_have_happened(connection, change, now, slugs_at, monkeypatch):
    monkeypatch.setattr(deletion, "MOST_MEMBERS", 0)
    monkeypatch.setattr(segments.queue, "request_worker", lambda _: None)
    change(7, add_segments=["AVITO_30"])
    then = now()

    segments.delete(connection, "AVITO_30", actor="analyst")

    assert slugs_at(then) == ["AVITO_30"]
    assert slugs_at(now()) == []


def test_segment_created_again_is_another_one(connection, change, now, make_segments, slugs_at):
    change(7, add_segments=["AVITO_30"])
    segments.delete(connection, "AVITO_30", actor="analyst")
    make_segments("AVITO_30")
    between = now()
    change(7, add_segments=["AVITO_30"])

    assert slugs_at(between) == []
    assert slugs_at(now()) == ["AVITO_30"]


def test_deleted_user_was_there_and_an_erased_one_never(connection, change, now, slugs_at):
    change(7, add_segments=["AVITO_30"])
    change(8, add_segments=["AVITO_30"])
    then = now()

    users.delete(connection, 7, actor="support")
    users.delete(connection, 8, erase=True, actor="support")

    assert slugs_at(then, 7) == ["AVITO_30"]
    assert slugs_at(then, 8) == []


def test_own_actions_change_no_answer(connection, change, now, slugs_at):
    actions.create(connection, "exposure")
    change(7, add_segments=["AVITO_30"])
    then = now()
    history.record(connection, 7, NewOperation(slug="AVITO_30", action="exposure"), actor="backend")

    assert slugs_at(then) == ["AVITO_30"]


def test_user_without_any_history_was_in_no_segment(at, now):
    assert at(now(), user_id=4711) == []
    assert at(LONG_AGO) == []


@pytest.fixture
def dropped_month(superuser, moved):
    """Move what is recorded into a month, and drop it, as an operator does."""

    def drop(instant):
        then = moved(instant, timedelta(days=700))
        superuser.execute("delete from history where executed_at <= %s", (then,))
        return then

    return drop


def test_dropped_months_are_undone_from_the_present(connection, change, now, dropped_month, at):
    change(7, add_segments=["AVITO_30", "AVITO_50"])
    then = dropped_month(now())
    added_at = at(then)[0]["added_at"]
    change(7, delete_segments=["AVITO_30"])

    assert at(then) == [
        {"slug": "AVITO_30", "added_at": None, "expires_at": None},
        {"slug": "AVITO_50", "added_at": added_at, "expires_at": None},
    ]


def test_lifetime_changed_after_a_dropped_month_means_a_member_before(connection, change, now, dropped_month, at):
    change(7, add_segments=["AVITO_30"])
    then = dropped_month(now())
    before = at(then)
    memberships.change_lifetime(connection, 7, "AVITO_30", LifetimeChange(ttl=7200), actor="analyst")

    [found] = at(then)

    assert (found["slug"], found["added_at"]) == ("AVITO_30", before[0]["added_at"])


def test_instant_in_the_future_is_refused(connection, now):
    with pytest.raises(RequestInvalid, match=r"query\.at: must not be in the future"):
        as_of.list_for_user(connection, 7, now() + timedelta(minutes=1))


def test_answer_about_the_last_minute_is_kept_no_longer_than_one_about_now(connection, now):
    assert as_of.list_for_user(connection, 7, now()).max_age == 30
    assert as_of.list_for_user(connection, 7, now() - timedelta(seconds=59)).max_age == 30
    assert as_of.list_for_user(connection, 7, now() - timedelta(seconds=61)).max_age == 3600


def test_read_of_a_recent_instant_waits_for_the_writer_that_dated_its_rows_before(
    connection, empty_database, superuser, now, slugs_at
):
    with connect(empty_database.url) as writer, writer.transaction():
        writer.execute("select change_user_segments(7, array['AVITO_30'], '{}', null, null, null, null, 'analyst')")
        then = now()
        found = []
        reader = threading.Thread(target=lambda: found.append(slugs_at(then)))
        reader.start()
        while not superuser.execute(
            "select from pg_stat_activity where query like '%pg_snapshot_xmin%' and pid <> pg_backend_pid()"
        ).rowcount:
            pass
        assert reader.is_alive()
    reader.join(timeout=60)

    assert found == [["AVITO_30"]]


def test_writer_that_takes_too_long_is_not_waited_for(connection, empty_database, now, monkeypatch):
    monkeypatch.setattr(watermark, "REQUEST_SECONDS", 0)
    with connect(empty_database.url) as writer, writer.transaction():
        writer.execute("select pg_current_xact_id()")

        with pytest.raises(InstantUnsettled):
            as_of.list_for_user(connection, 7, now())


def test_later_row_is_dated_after_a_recent_instant_although_the_clock_steps_back(connection, superuser, change, at):
    [(ahead,)] = superuser.execute("select next_moment(clock_timestamp() + interval '1 hour')").fetchall()

    assert at(ahead) == []
    change(7, add_segments=["AVITO_30"])

    assert at(ahead) == []
