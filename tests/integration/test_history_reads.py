"""Reads of the history, and actions recorded in it."""

import csv
import io
from functools import partial

import pytest

from segmentation.api.parameters import FIRST_INSTANT, LAST_INSTANT
from segmentation.contract.cursors import decode_cursor
from segmentation.contract.problems import (
    ActionKept,
    ActionTaken,
    ActionUnknown,
    RequestInvalid,
    SegmentUnknown,
    UserUnknown,
)
from segmentation.contract.requests import NewOperation, SegmentChange
from segmentation.contract.responses import Operation, OperationPage
from segmentation.domain import actions, expiry, history, segments, users


@pytest.fixture
def read(connection):
    return partial(history.list_for_user, connection, 1, since=FIRST_INSTANT, until=LAST_INSTANT, after="", limit=100)


@pytest.fixture
def record(connection):
    def run(action="exposure", slug="AVITO_30", user_id=1):
        return history.record(connection, user_id, NewOperation(slug=slug, action=action), actor="backend")

    return run


def test_due_exit_is_read_before_it_is_swept_and_only_once_after(connection, make_segments, change, expire, read):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"], ttl=60)
    expire(1, "AVITO_30")

    before = read()
    expiry.sweep(connection, go_on=lambda: True)

    assert [operation.operation for operation in before.operations] == ["I", "D"]
    assert read() == before


def test_pages_return_the_whole_history_once(make_segments, change, read):
    make_segments("AVITO_30", "AVITO_50")
    for _ in range(4):
        change(1, add_segments=["AVITO_30", "AVITO_50"])
        change(1, delete_segments=["AVITO_30", "AVITO_50"])

    collected, page = [], read(limit=3)
    while page.next_cursor:
        collected += page.operations
        page = read(limit=3, after=decode_cursor(page.next_cursor))
    collected += page.operations

    assert collected == read().operations


def test_cursor_from_before_a_sweep_stays_valid_after_it(connection, make_segments, change, expire, read):
    make_segments("AVITO_30", "AVITO_50")
    change(1, add_segments=["AVITO_30"], ttl=60)
    expire(1, "AVITO_30")
    change(1, add_segments=["AVITO_50"])
    page = read(limit=2)

    expiry.sweep(connection, go_on=lambda: True)
    rest = read(after=decode_cursor(page.next_cursor))

    assert [operation.slug for operation in page.operations + rest.operations] == ["AVITO_30", "AVITO_30", "AVITO_50"]


def test_range_includes_its_start_and_excludes_its_end(make_segments, change, read):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])
    change(1, delete_segments=["AVITO_30"])
    entry, end = read().operations

    ranged = read(since=entry.executed_at, until=end.executed_at)

    assert ranged.operations == [entry]


def test_range_that_ends_before_it_begins_is_refused(read):
    with pytest.raises(RequestInvalid, match=r"query\.to"):
        read(since=LAST_INSTANT, until=FIRST_INSTANT)


def test_user_without_operations_has_an_empty_history(read):
    assert read() == OperationPage(operations=[], next_cursor=None)


def test_history_of_renamed_deleted_and_recreated_segments_stays_as_it_was(connection, make_segments, change, read):
    make_segments("FIRST")
    change(1, add_segments=["FIRST"])
    segments.update(connection, "FIRST", SegmentChange(slug="SECOND"), actor="analyst")
    segments.delete(connection, "SECOND", actor="analyst")
    before = read().operations

    make_segments("FIRST", "SECOND")
    change(1, add_segments=["SECOND"])

    assert [operation.slug for operation in before] == ["FIRST", "SECOND"]
    assert read().operations[:2] == before


def test_own_action_is_in_the_history(connection, make_segments, change, read, record):
    make_segments("AVITO_30")
    change(1, add_segments=["AVITO_30"])
    actions.create(connection, "exposure")

    recorded = record()

    assert (recorded.operation, recorded.action, recorded.actor) == ("A", "exposure", "backend")
    assert read().operations[-1] == recorded


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ({"user_id": 2}, UserUnknown),
        ({"slug": "AVITO_31"}, SegmentUnknown),
        ({"action": "conversion"}, ActionUnknown),
        ({"action": "added"}, RequestInvalid),
    ],
)
def test_recording_an_unknown_name_or_a_built_in_action_writes_nothing(
    connection, make_segments, record, read, named, problem
):
    make_segments("AVITO_30")
    users.create(connection, 1, actor="analyst")
    actions.create(connection, "exposure")

    with pytest.raises(problem):
        record(**named)

    assert read().operations == []


def test_action_name_is_unique(connection):
    actions.create(connection, "exposure")

    with pytest.raises(ActionTaken):
        actions.create(connection, "exposure")


def test_unused_action_can_be_deleted(connection):
    actions.create(connection, "exposure")

    actions.delete(connection, "exposure")

    assert [action.name for action in actions.list_actions(connection, after="", limit=9).actions] == [
        "added",
        "deleted",
        "lifetime_changed",
    ]


@pytest.mark.parametrize("name", ["added", "deleted", "lifetime_changed"])
def test_built_in_action_cannot_be_deleted(connection, name):
    with pytest.raises(ActionKept):
        actions.delete(connection, name)


def test_used_action_cannot_be_deleted(connection, make_segments, record):
    make_segments("AVITO_30")
    users.create(connection, 1, actor="analyst")
    actions.create(connection, "exposure")
    record()

    with pytest.raises(ActionKept):
        actions.delete(connection, "exposure")


def test_unknown_action_cannot_be_deleted(connection):
    with pytest.raises(ActionUnknown):
        actions.delete(connection, "exposure")


@pytest.mark.parametrize("actor", ["=cmd()", "+1", "-1", "@x", "\tx", 'a "quoted", name', "two\r\nlines"])
def test_csv_can_be_read_back_and_no_cell_is_a_formula(actor):
    operation = Operation(
        slug="AVITO_30",
        operation="I",
        action="added",
        reason="manual",
        actor=actor,
        comment=actor,
        expires_at=None,
        executed_at="2023-08-28T10:25:25Z",
    )

    text = history.as_csv(OperationPage(operations=[operation], next_cursor=None))

    header, row = csv.reader(io.StringIO(text, newline=""))
    assert header == [*Operation.model_fields]
    assert row[4:6] in ([actor, actor], [f"'{actor}", f"'{actor}"])
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
