"""The database writes every entry and exit itself, whatever statement adds or removes the membership."""

import pytest
from psycopg import sql
from psycopg.errors import IntegrityError

from segmentation.contract.requests import SegmentChange
from segmentation.database import transactions
from segmentation.domain import segments, users


def operations(rows):
    return [(row["slug"], row["operation"], row["reason"], row["actor"]) for row in rows]


def test_entry_is_written_with_reason_actor_and_lifetime(make_segments, change, history):
    make_segments("AVITO_30")

    change(1, add_segments=["AVITO_30"], ttl=60)

    [entry] = history()
    assert operations([entry]) == [("AVITO_30", "I", "manual", "analyst")]
    assert (entry["expires_at"] - entry["executed_at"]).total_seconds() == 60


def test_removal_is_written_after_the_entry(make_segments, change, history):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])

    change(1, delete_segments=["AVITO_30"])

    entry, exit_ = history()
    assert [entry["operation"], exit_["operation"]] == ["I", "D"]
    assert entry["executed_at"] < exit_["executed_at"]


def test_change_that_changes_nothing_writes_nothing(make_segments, change, history):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])

    change(1, add_segments=["AVITO_30"], ttl=5)

    assert len(history()) == 1


def test_adding_again_after_expiry_writes_the_first_exit_at_its_expiry(make_segments, change, expire, history):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"], ttl=60)
    expire(1, "AVITO_30")

    change(1, add_segments=["AVITO_30"])

    first, end, second = history()
    assert operations([first, end, second]) == [
        ("AVITO_30", "I", "manual", "analyst"),
        ("AVITO_30", "D", "ttl", "schedule"),
        ("AVITO_30", "I", "manual", "analyst"),
    ]
    assert end["executed_at"] == end["expires_at"] == first["expires_at"] < second["executed_at"]


def test_removal_of_an_expired_membership_is_dated_at_its_expiry(make_segments, change, expire, history):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"], ttl=60)
    expire(1, "AVITO_30")

    changed = change(1, delete_segments=["AVITO_30"])

    *_, end = history()
    assert changed.segments_deleted == 0
    assert (end["operation"], end["reason"], end["executed_at"]) == ("D", "ttl", end["expires_at"])


def test_deleting_a_segment_writes_one_exit_a_member(connection, make_segments, change, history):
    make_segments("AVITO_30", "AVITO_50")
    for user_id in (1, 2):
        change(user_id, add_segments=["AVITO_30", "AVITO_50"])

    segments.delete(connection, "AVITO_30", actor="owner@avito")

    exits = [row for row in history() if row["operation"] == "D"]
    assert operations(exits) == [("AVITO_30", "D", "segment_deleted", "owner@avito")] * 2


def test_exits_of_a_deleted_segment_are_dated_at_its_deletion(connection, owner, make_segments, change, history):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"], ttl=3600)

    segments.delete(connection, "AVITO_30", actor="analyst")

    [(deleted_at,)] = owner.execute("select deleted_at from segments").fetchall()
    assert history()[-1]["executed_at"] == deleted_at


def test_deleting_a_segment_dates_its_expired_members_at_their_expiry(
    connection, make_segments, change, expire, history
):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"], ttl=60)
    expire(1, "AVITO_30")

    segments.delete(connection, "AVITO_30", actor="analyst")

    end = history()[-1]
    assert (end["reason"], end["actor"], end["executed_at"]) == ("ttl", "schedule", end["expires_at"])


def test_deleting_a_user_writes_the_exits_and_keeps_the_history(connection, make_segments, change, history):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])

    users.delete(connection, 1, erase=False, actor="support")

    assert operations(history(1)) == [
        ("AVITO_30", "I", "manual", "analyst"),
        ("AVITO_30", "D", "user_deleted", "support"),
    ]


def test_erasing_a_user_deletes_only_that_users_history(connection, make_segments, change, history):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])
    change(2, add_segments=["AVITO_30"])

    users.delete(connection, 1, erase=True, actor="support")

    assert [row["user_id"] for row in history()] == [2]


def test_rename_leaves_old_rows_under_the_old_slug(connection, make_segments, change, history):
    make_segments("OLD_NAME")
    change(1, add_segments=["OLD_NAME"])

    segments.update(connection, "OLD_NAME", SegmentChange(slug="NEW_NAME"), actor="analyst")
    change(1, delete_segments=["NEW_NAME"])

    assert [row["slug"] for row in history()] == ["OLD_NAME", "NEW_NAME"]


def test_exit_that_was_due_before_a_rename_is_under_the_old_slug(connection, make_segments, change, expire, history):
    make_segments("OLD_NAME")
    change(1, add_segments=["OLD_NAME"], ttl=3600)
    change(2, add_segments=["OLD_NAME"], ttl=3600)
    expire(1, "OLD_NAME")

    segments.update(connection, "OLD_NAME", SegmentChange(slug="NEW_NAME"), actor="analyst")

    [entry, end] = history(1)
    assert (end["slug"], end["operation"], end["reason"], end["actor"]) == ("OLD_NAME", "D", "ttl", "schedule")
    assert end["executed_at"] == entry["expires_at"]
    assert operations(history(2)) == [("OLD_NAME", "I", "manual", "analyst")]


def test_change_outside_the_application_is_written_under_the_database_role(owner, make_segments, change, history):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])

    owner.execute("delete from memberships")

    assert history()[-1]["actor"] == owner.info.user


def test_actor_of_one_request_does_not_leak_into_the_next_statement(connection, make_segments, change, history):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])

    connection.execute("delete from memberships")

    assert history()[-1]["actor"] == connection.info.user


def test_failed_transaction_leaves_no_history(connection, make_segments, history):
    make_segments("AVITO_30")

    def add_then_fail():
        with transactions.transaction(connection, actor="analyst"):
            connection.execute("insert into users (user_id) values (1)")
            connection.execute("insert into memberships (user_id, segment_id, added_at) values (1, 1, now())")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_then_fail()

    assert history() == []


@pytest.mark.parametrize("assignment", ["user_id = 2", "segment_id = 2", "added_at = now()"])
def test_membership_cannot_be_rewritten_into_another_one(owner, make_segments, change, assignment):
    make_segments("AVITO_30", "AVITO_50")
    change(1, add_segments=["AVITO_30"])
    change(2, add_segments=[])

    with pytest.raises(IntegrityError, match="keeps its user"):
        owner.execute(sql.SQL("update memberships set {}").format(sql.SQL(assignment)))


def test_history_is_kept_in_the_partition_of_its_month(owner, make_segments, change):
    make_segments("AVITO_30")

    change(1, add_segments=["AVITO_30"])

    [(partition, month)] = owner.execute(
        "select tableoid::regclass::text, to_char(executed_at at time zone 'UTC', 'YYYY_MM') from history"
    ).fetchall()
    assert partition == f"history_{month}"


def test_row_of_a_month_without_a_partition_goes_to_the_default_partition(owner):
    owner.execute(
        """
        insert into history (user_id, slug, action_id, reason, actor, executed_at)
        values (1, 'AVITO_30', 1, 'import', 'import', '2019-03-31T23:59:59.999999Z')
        """
    )

    [(partition,)] = owner.execute("select tableoid::regclass::text from history").fetchall()
    assert partition == "history_default"


def test_late_partition_moves_its_rows_out_of_the_default_one(owner):
    for instant in ("2018-03-31T23:59:59.999999Z", "2018-04-01T00:00:00Z"):
        owner.execute(
            """
            insert into history (user_id, slug, action_id, reason, actor, executed_at)
            values (1, 'AVITO_30', 1, 'import', 'import', %s)
            """,
            (instant,),
        )

    owner.execute("select create_history_partitions('2018-03-15', 1)")

    rows = owner.execute("select tableoid::regclass::text from history order by executed_at").fetchall()
    assert rows == [("history_2018_03",), ("history_default",)]
    owner.execute("drop table history_2018_03")
