"""Cursors of the history and of actions, and arbitrary text that a client may send instead."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from segmentation.api.parameters import ActionCursor, HistoryCursor
from segmentation.contract.cursors import encode_cursor

HISTORY = TypeAdapter(HistoryCursor)
ACTIONS = TypeAdapter(ActionCursor)
INSTANTS = st.datetimes(timezones=st.just(UTC))
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
POSTGRES_OFFSET = timedelta(hours=15, minutes=59)


def read(adapter, cursor):
    """Return the decoded cursor, or None if it is refused."""
    try:
        return adapter.validate_python(cursor)
    except ValidationError:
        return None


@given(INSTANTS, st.integers(0, 2**63 - 1))
def test_cursor_of_the_history_is_its_position(instant, history_id):
    position = f"{instant.isoformat()} {history_id}"

    assert read(HISTORY, encode_cursor(position)) == position


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=OFFSETS))  # noqa: DTZ001 -- hypothesis adds the zone
def test_position_of_any_offset_is_readable_by_postgres(instant):
    position = read(HISTORY, encode_cursor(f"{instant.isoformat()} 1"))

    moment = datetime.fromisoformat(position.split(" ")[0])
    assert moment == instant
    assert abs(moment.utcoffset()) <= POSTGRES_OFFSET


@pytest.mark.parametrize("history_id", ["-1", "9223372036854775808", "", "1.0", "1e3", "+1", "x"])
def test_position_with_an_impossible_id_is_refused(history_id):
    cursor = base64.urlsafe_b64encode(f"2023-08-28T10:25:25+00:00 {history_id}".encode()).decode()

    assert read(HISTORY, cursor) is None


@pytest.mark.parametrize("adapter", [HISTORY, ACTIONS], ids=["history", "actions"])
@given(st.text() | st.text().map(encode_cursor) | st.binary().map(lambda octets: base64.b64encode(octets).decode()))
def test_any_text_is_a_cursor_or_refused(adapter, text):
    key = read(adapter, text)

    assert key is None or key.isprintable()


@given(st.from_regex(r"\A[A-Za-z][A-Za-z0-9_.:-]{0,63}\Z"))
def test_cursor_of_actions_is_a_name(name):
    assert read(ACTIONS, encode_cursor(name)) == name
