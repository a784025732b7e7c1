"""Invalid requests of GET /user/{user_id}/history: the answer is 422 with the location, and never a 5xx."""

import base64

import pytest

from tests.functions.factories import ask_history

pytestmark = pytest.mark.usefixtures("shared_service")
# texts that are no base64 of a text, and then texts that are no position in a history
NO_CURSOR = ["x", "*", "é", "AA", "MQ", "w6k"]
NOT_A_POSITION = [
    "2023-08-28T10:25:25+00:00",
    "2023-08-28T10:25:25+00:00 1 2",
    "2023-08-28T10:25:25+00:00  1",
    "2023-08-28T10:25:25 1",
    "2023-08-28 1",
    "now 1",
    "infinity 1",
    "2023-13-28T10:25:25+00:00 1",
    "2023-02-30T10:25:25+00:00 1",
    "0001-01-01T00:00:00+14:00 1",
    "9999-12-31T23:59:59-14:00 1",
    "2023-08-28T10:25:25+00:00 -1",
    "2023-08-28T10:25:25+00:00 9223372036854775808",
    "2023-08-28T10:25:25+00:00 1'--",
    "2023-08-28T10:25:25+00:00 \x00",
]


def encoded(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_unknown_user_has_an_empty_history():
    answer = ask_history(424242)

    assert (answer.status, answer.json) == (200, {"operations": [], "next_cursor": None})


def test_range_that_ends_before_it_begins_is_422():
    answer = ask_history(1, from_="2023-09-01T00:00:00Z", to="2023-08-31T23:59:59Z")

    assert (answer.status, answer.locations) == (422, ["query.to"])


@pytest.mark.parametrize("instant", ["9999-12-31T00:00:00.000001Z", "9999-12-31T23:59:59.999999Z"])
def test_range_without_an_end_may_begin_at_any_instant(instant):
    answer = ask_history(1, from_=instant)

    assert (answer.status, answer.json["operations"]) == (200, [])


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "instant",
    [
        pytest.param("2023-08-01", id="date"),
        pytest.param("2023-08-01T00:00:00", id="no-offset"),
        pytest.param("2023-08-01T00:00:00 03:00", id="plus-not-encoded"),
        pytest.param("2023-08-01T00:00 0000", id="plus-of-a-short-form-not-encoded"),
        pytest.param("2023-08-01 00:00:00Z", id="space"),
        pytest.param("2023-02-30T00:00:00Z", id="no-such-day"),
        pytest.param("2023-08-01T24:00:00Z", id="no-such-hour"),
        pytest.param("0001-01-01T00:00:00+01:00", id="year-0-in-utc"),
        pytest.param("9999-12-31T23:59:59-01:00", id="year-10000-in-utc"),
        pytest.param("infinity", id="infinity"),
        pytest.param("1690848000", id="number"),
        pytest.param("", id="empty"),
        pytest.param("2023-08-01T00:00:00Z,2023-09-01T00:00:00Z", id="two"),
    ],
)
def test_bound_of_a_range_that_is_no_instant_is_422(name, instant):
    answer = ask_history(1, **{f"{name}_": instant})

    assert (answer.status, answer.locations) == (422, [f"query.{name}"])


@pytest.mark.parametrize("cursor", [*NO_CURSOR, *(encoded(text) for text in NOT_A_POSITION)])
def test_cursor_of_no_history_position_is_422(cursor):
    answer = ask_history(1, cursor=cursor)

    assert (answer.status, answer.locations) == (422, ["query.cursor"])
    assert answer.json["errors"][0]["message"] == "must be the next_cursor of the previous page"


@pytest.mark.parametrize("offset", ["+15:59", "-15:59", "+16:00", "+20:00", "-23:59"])
def test_forged_cursor_of_a_far_offset_is_answered_below_500(offset):
    answer = ask_history(1, cursor=encoded(f"2023-08-28T10:25:25{offset} 1"))

    assert answer.status in {200, 422}, answer.text


@pytest.mark.parametrize("name", ["offset", "From", "since", "until", "order", "format"])
def test_unknown_query_parameter_is_422(name):
    answer = ask_history(1, **{name: "1"})

    assert (answer.status, answer.locations) == (422, [f"query.{name}"])
