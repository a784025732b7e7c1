"""No exit is dated after the deletion of its segment, whatever ends memberships at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from segmentation.database.connection import connect
from segmentation.domain import deletion, expiry, segments, users
from tests.integration.test_write_order import await_blocked

SLUG = "AVITO_30"


@pytest.fixture
def deleter(empty_database, make_segments, change):
    """Delete a segment with one member. The transaction has dated the deletion, and is still open."""
    make_segments(SLUG)
    change(1, add_segments=[SLUG], ttl=3600)
    with connect(empty_database.url) as own:
        own.autocommit = False
        segments._mark_deleted(own, SLUG, "analyst")
        yield own


def complete(deleter):
    [(segment_id, deleted_at)] = deleter.execute("select segment_id, deleted_at from segments").fetchall()
    deletion.end_memberships(deleter, segment_id, most=10)
    deleter.commit()
    return deleted_at


def test_user_who_is_deleted_meanwhile_leaves_no_later_exit(deleter, empty_database, history):
    with connect(empty_database.url) as own, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(partial(users.delete, own, 1, erase=False, actor="support"))
        await_blocked(deleter, waiting)
        deleted_at = complete(deleter)
        waiting.result(timeout=60)

    [_, end] = history(1)
    assert (end["reason"], end["executed_at"]) == ("segment_deleted", deleted_at)


def test_membership_that_ends_meanwhile_is_not_swept_at_its_later_end(deleter, connection, superuser, history):
    [(deleted_at,)] = deleter.execute("select deleted_at from segments").fetchall()
    with superuser.transaction():
        superuser.execute("set local session_replication_role = replica")
        superuser.execute("update memberships set expires_at = %s + interval '1 microsecond'", (deleted_at,))

    assert expiry.sweep(connection, go_on=lambda: True) == 0

    complete(deleter)
    [_, end] = history(1)
    assert (end["reason"], end["executed_at"]) == ("segment_deleted", deleted_at)


def test_segment_is_deleted_after_a_user_whose_deletion_came_first(
    connection, empty_database, make_segments, change, owner
):
    make_segments(SLUG)
    change(1, add_segments=[SLUG])
    with connect(empty_database.url) as own, ThreadPoolExecutor(1) as pool:
        with connection.transaction():
            users.delete(connection, 1, erase=False, actor="support")
            waiting = pool.submit(partial(segments.delete, own, SLUG, actor="analyst"))
            await_blocked(connection, waiting)
        waiting.result(timeout=60)

    [(is_later,)] = owner.execute("select deleted_at > (select max(executed_at) from history) from segments").fetchall()
    assert is_later
