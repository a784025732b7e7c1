"""The change log of segments: the database writes it, whatever changes a segment."""

from typing import Any

import pytest
from psycopg.rows import dict_row

LOG = """
    select segment_changes.change, segment_changes.actor, segment_changes.before, segment_changes.after,
           segment_changes.changed_at, segment_changes.users_added, segment_changes.users_deleted
      from segment_changes
      join segments on segments.segment_id = segment_changes.segment_id
     where segments.slug = %s
     order by segment_changes.change_id
    """


@pytest.fixture
def log(owner):
    """The log of the segments that have a slug now, oldest first."""

    def rows(slug: str) -> list[dict[str, Any]]:
        with owner.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(LOG, (slug,)).fetchall()

    return rows


@pytest.fixture
def segment(owner):
    """A segment that plain SQL creates."""
    owner.execute("insert into segments (slug, user_percent) values ('AVITO_30', 12.50)")
    return "AVITO_30"


def members_of(rows):
    return [(row["change"], row["before"], row["after"]) for row in rows]


def test_creation_by_plain_sql_is_in_the_log(segment, log, owner):
    [row] = log(segment)

    assert members_of([row]) == [("created", None, {"slug": "AVITO_30", "user_percent": 12.5})]
    assert row["actor"] == owner.info.user


@pytest.mark.parametrize(
    ("statement", "before", "after"),
    [
        ("set slug = 'AVITO_50'", {"slug": "AVITO_30"}, {"slug": "AVITO_50"}),
        ("set description = 'A test'", {"description": None}, {"description": "A test"}),
        ("set owner = 'growth'", {"owner": None}, {"owner": "growth"}),
        ("set user_percent = null", {"user_percent": 12.5}, {"user_percent": None}),
        (
            "set user_percent = 50.00, owner = 'growth'",
            {"owner": None, "user_percent": 12.5},
            {"owner": "growth", "user_percent": 50},
        ),
    ],
)
def test_change_by_plain_sql_has_just_what_changed(owner, segment, log, statement, before, after):
    owner.execute(f"update segments {statement}".encode())

    rows = log("AVITO_50" if "slug" in after else segment)
    assert members_of(rows[1:]) == [("changed", before, after)]


def test_change_that_changes_nothing_is_not_in_the_log(owner, segment, log):
    [before] = owner.execute("select updated_at from segments").fetchall()

    owner.execute("update segments set slug = slug, user_percent = 12.5, description = null")

    assert len(log(segment)) == 1
    assert owner.execute("select updated_at from segments").fetchall() == [before]


def test_deletion_by_plain_sql_has_what_the_segment_was(owner, segment, log):
    owner.execute("update segments set deleted_at = next_moment(), deleted_by = 'anna'")

    row = log(segment)[-1]
    assert members_of([row]) == [("deleted", {"slug": "AVITO_30", "user_percent": 12.5}, None)]
    assert row["actor"] == "anna"


def test_deletion_that_an_operator_undoes_is_a_creation(owner, segment, log):
    owner.execute("update segments set deleted_at = next_moment()")

    owner.execute("update segments set deleted_at = null")

    assert [row["change"] for row in log(segment)] == ["created", "deleted", "created"]


def test_log_and_segment_have_the_same_instants(owner, segment, log):
    owner.execute("update segments set owner = 'growth'")
    owner.execute("update segments set deleted_at = next_moment()")

    instants = owner.execute("select created_at, updated_at, deleted_at from segments").fetchall()

    assert [tuple(row["changed_at"] for row in log(segment))] == instants


def test_log_of_a_segment_never_goes_back(owner, log):
    owner.execute(
        "insert into segments (slug, created_at, updated_at) values ('AVITO_30', '2020-01-01Z', '2100-01-01Z')"
    )
    owner.execute("update segments set owner = 'growth'")
    owner.execute("update segments set owner = 'sales'")
    owner.execute("update segments set deleted_at = '2000-01-01Z'")

    instants = [row["changed_at"] for row in log("AVITO_30")]

    assert instants == sorted(instants)


def test_segment_created_again_begins_after_the_end_of_the_one_before(connection, owner, segment):
    with owner.transaction():
        owner.execute("select now()")
        owner.execute("update segments set deleted_at = next_moment()")
        owner.execute("insert into segments (slug) values ('AVITO_30')")

    [(ended, began)] = owner.execute("select max(deleted_at), max(created_at) from segments").fetchall()
    assert began > ended
