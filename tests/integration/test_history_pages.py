"""A client reads a user's history page by page while sweeps and jobs write exits."""

from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.api.parameters import FIRST_INSTANT, LAST_INSTANT
from segmentation.contract.cursors import decode_cursor, encode_cursor
from segmentation.domain import deletion, expiry, history

START, FIRST_END, SECOND_END = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3))

ENDS = st.sampled_from([FIRST_END, SECOND_END, None])
IS_DELETED = st.booleans()
MEMBERSHIPS = st.lists(st.tuples(ENDS, IS_DELETED), min_size=1, max_size=8)
STEPS = st.tuples(st.integers(1, 4), st.sampled_from(["nothing", "sweep", "removal"]), st.integers(1, 3))


def read(connection, *, after="", limit=1000):
    return history.list_for_user(connection, 1, since=FIRST_INSTANT, until=LAST_INSTANT, after=after, limit=limit)


def fill(superuser, ends, order):
    """Add the user to one segment for each end, in this order. Deleted segments end at the second end."""
    superuser.execute("insert into users (user_id) values (1)")
    for number, (_, is_deleted) in enumerate(ends):
        superuser.execute(
            "insert into segments (slug, deleted_at, deleted_by, is_emptying) values (%s, %s, 'analyst', %s)",
            (f"SEGMENT_{number}", SECOND_END if is_deleted else None, is_deleted),
        )
    for number in order:
        superuser.execute(
            """
            insert into memberships (user_id, segment_id, added_at, expires_at)
            select 1, segments.segment_id, %s, %s::timestamptz from segments where segments.slug = %s
            """,
            (START, ends[number][0], f"SEGMENT_{number}"),
        )


def sweep_a_batch(connection, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expiry, "BATCH", most)
        expiry.sweep(connection, go_on=partial(next, iter([True, False])))


def remove_a_batch(connection, most):
    emptying = connection.execute("select segment_id from segments where is_emptying order by 1 desc").fetchall()
    for (segment_id,) in emptying:
        if deletion.end_memberships(connection, segment_id, most=most):
            return


WRITES = {"nothing": lambda connection, most: None, "sweep": sweep_a_batch, "removal": remove_a_batch}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MEMBERSHIPS, st.randoms(use_true_random=False), st.lists(STEPS, min_size=1, max_size=6))
def test_pages_are_the_whole_history_in_order_whatever_is_written_between_them(superuser, ends, random, steps):
    with superuser.transaction(force_rollback=True):
        fill(superuser, ends, random.sample(range(len(ends)), len(ends)))
        whole = read(superuser).operations

        collected, after, step = [], "", 0
        while after is not None:
            limit, write, most = steps[step % len(steps)]
            page = read(superuser, after=after, limit=limit)
            collected += page.operations
            after = page.next_cursor and decode_cursor(page.next_cursor)
            WRITES[write](superuser, most)
            step += 1

        assert collected == whole
        assert read(superuser).operations == whole


def test_sweep_between_two_exits_of_an_instant_hides_neither(superuser):
    fill(superuser, [(FIRST_END, False), (FIRST_END, False)], [1, 0])
    first = read(superuser, limit=3)

    expiry.sweep(superuser, go_on=lambda: True)
    second = read(superuser, after=decode_cursor(first.next_cursor))

    assert [(one.slug, one.operation) for one in first.operations[2:] + second.operations] == [
        ("SEGMENT_0", "D"),
        ("SEGMENT_1", "D"),
    ]


def test_cursor_of_the_previous_version_at_a_swept_exit_skips_no_row(superuser):
    fill(superuser, [(FIRST_END, False)] * 3, [2, 1, 0])
    expiry.sweep(superuser, go_on=lambda: True)
    [(history_id,)] = superuser.execute(
        "select history_id from history where action_id = 2 order by 1 offset 1 limit 1"
    )
    cursor = encode_cursor(f"{FIRST_END.isoformat()} {history_id}")

    rest = read(superuser, after=decode_cursor(cursor)).operations

    assert [one.slug for one in rest] == ["SEGMENT_0", "SEGMENT_1", "SEGMENT_2"]


def test_entry_at_the_instant_of_the_previous_exit_is_after_it(superuser):
    fill(superuser, [(FIRST_END, False)], [0])

    superuser.execute("update memberships set added_at = expires_at, expires_at = null")

    assert [one.operation for one in read(superuser).operations] == ["I", "D", "I"]
