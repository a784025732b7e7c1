"""A request for a taken name uses up no id, also among requests for one name at the same moment."""

from functools import partial

import pytest

from segmentation.contract.problems import ActionTaken, SlugTaken
from segmentation.contract.requests import NewSegment, SegmentChange
from segmentation.domain import actions, segments

SESSIONS = 16


def create_segment(slug, connection):
    try:
        return segments.create(connection, NewSegment(slug=slug), actor="analyst")
    except SlugTaken:
        return None


def create_action(name, connection):
    try:
        return actions.create(connection, name)
    except ActionTaken:
        return None


@pytest.fixture
def newest_id(owner):
    """Return the newest id that a column's sequence gave out."""

    def read(table, column):
        [(sequence,)] = owner.execute("select pg_get_serial_sequence(%s, %s)", (table, column)).fetchall()
        [(newest,)] = owner.execute(f"select last_value from {sequence}").fetchall()  # noqa: S608 -- a name of Postgres
        return newest

    return read


@pytest.mark.parametrize(
    ("create", "table", "column"),
    [(create_segment, "segments", "segment_id"), (create_action, "actions", "action_id")],
)
def test_one_of_many_concurrent_requests_for_a_name_succeeds_and_the_others_use_up_no_id(
    connection, at_once, newest_id, create, table, column
):
    create("FIRST", connection)
    before = newest_id(table, column)

    created = at_once(*[partial(create, "AVITO_30")] * SESSIONS)
    again = [create("AVITO_30", connection) for _ in range(SESSIONS)]

    assert len([one for one in created if one]) == 1
    assert again == [None] * SESSIONS
    assert newest_id(table, column) == before + 1


def test_creations_and_renames_to_one_slug_use_up_at_most_one_id(connection, make_segments, at_once, newest_id, owner):
    def rename(slug, own):
        try:
            return segments.update(own, slug, SegmentChange(slug="AVITO_30"), actor="analyst")
        except SlugTaken:
            return None

    names = [f"SEGMENT_{number}" for number in range(SESSIONS)]
    make_segments(*names)
    before = newest_id("segments", "segment_id")

    at_once(*[partial(rename, name) for name in names], *[partial(create_segment, "AVITO_30")] * SESSIONS)

    [(live,)] = owner.execute("select count(*) from segments where deleted_at is null")
    assert newest_id("segments", "segment_id") - before == live - SESSIONS


def test_name_that_a_session_without_the_lock_takes_is_taken(connection, owner):
    owner.execute("insert into actions (name) values ('exposure')")
    owner.execute("insert into segments (slug) values ('AVITO_30')")

    assert create_action("exposure", connection) is None
    assert create_segment("AVITO_30", connection) is None
