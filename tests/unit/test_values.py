"""The rules of single values, compared with an independent statement of each rule."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from segmentation.contract.requests import MembershipChange
from segmentation.contract.values import RESERVED_SLUGS, ActionName, ExpiresAt, Slug, Ttl, UserId, whole_number

SLUGS = TypeAdapter(Slug)
INSTANTS = TypeAdapter(ExpiresAt)
CONTRACT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{2,254}", re.ASCII)
RESERVED = {"user", "history", "reports", "batch"}
SLUG_LIKE = st.from_regex(re.compile(r"\A[A-Za-z0-9_.-]{0,8}[ \n\x00é=/]?\Z", re.ASCII)) | st.text(max_size=12)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
ALPHABETS = "ABCabc019_.- \n\0éΑ١=+@/"  # noqa: RUF001 -- the test needs a Greek letter


def accepts(adapter, value):
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


@given(SLUG_LIKE | st.text(ALPHABETS, min_size=2, max_size=6))
@example("user")
@example("AAA\n")
@example("A" * 255)
@example("A" * 256)
@example("AA")
@example("AA\u0661")
def test_slug_is_accepted_exactly_when_the_contract_says_so(text):
    expected = bool(CONTRACT.fullmatch(text)) and text not in RESERVED

    assert accepts(SLUGS, text) == expected


@given(st.from_regex(CONTRACT, fullmatch=True).filter(lambda slug: slug not in RESERVED))
def test_slug_of_the_grammar_stays_unchanged(slug):
    assert SLUGS.validate_python(slug) == slug


def test_reserved_slugs_are_those_of_the_contract():
    assert RESERVED_SLUGS == RESERVED


@given(SLUG_LIKE | st.text(ALPHABETS + ":", max_size=6))
@example("A")
@example("A\n")
@example("A" * 64)
@example("A" * 65)
def test_action_is_accepted_exactly_when_its_grammar_says_so(text):
    expected = bool(re.fullmatch("[A-Za-z][A-Za-z0-9_.:-]{0,63}", text, re.ASCII))

    assert accepts(TypeAdapter(ActionName), text) == expected


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.binary(min_size=3) | st.lists(st.text()))
def test_slug_is_a_string(value):
    assert not accepts(SLUGS, value)


@given(st.integers())
@example(0)
@example(1)
@example(2**63 - 1)
@example(2**63)
def test_user_id_is_within_its_bounds(number):
    assert accepts(TypeAdapter(UserId), number) == (1 <= number < 2**63)


@given(st.integers())
@example(0)
@example(1)
@example(315_360_000)
@example(315_360_001)
def test_ttl_is_within_its_bounds(number):
    assert accepts(TypeAdapter(Ttl), number) == (1 <= number <= 315_360_000)


@pytest.mark.parametrize("adapter", [TypeAdapter(UserId), TypeAdapter(Ttl)], ids=["user-id", "ttl"])
@given(st.floats() | st.booleans() | st.integers(1, 1000).map(str) | st.none())
def test_number_must_be_an_integer(adapter, value):
    assert not accepts(adapter, value)


@given(st.integers(-(10**40), 10**40))
@example(10**999)
def test_whole_number_is_the_inverse_of_str(number):
    assert whole_number(str(number)) == number


@given(st.text(max_size=25) | st.text("0123456789+-_ .e\n٣", max_size=25))
def test_whole_number_refuses_everything_but_digits(text):
    if re.fullmatch("-?[0-9]+", text):
        assert whole_number(text) == int(text)
    else:
        with pytest.raises(ValueError, match="must be a whole number"):
            whole_number(text)


@given(st.integers(0, 2**63), st.integers(0, 900))
def test_leading_zeros_change_no_whole_number(number, zeros):
    assert whole_number("0" * zeros + str(number)) == number


def test_more_digits_than_int_accepts_are_refused_with_our_message():
    with pytest.raises(ValueError, match=r"\Amust be a whole number\Z"):
        whole_number("9" * 5000)


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=OFFSETS))  # noqa: DTZ001 -- hypothesis adds the zone
def test_instant_of_any_offset_is_the_same_instant_in_utc(instant):
    read = INSTANTS.validate_python(instant.isoformat())

    assert read == instant
    assert read.tzinfo is UTC


@given(st.datetimes())
def test_instant_without_an_offset_is_refused(instant):
    assert not accepts(INSTANTS, instant.isoformat())


@given(st.integers() | st.floats() | st.integers().map(str) | st.dates().map(str) | st.datetimes(timezones=OFFSETS))
def test_text_that_resembles_an_instant_is_refused(value):
    assert not accepts(INSTANTS, value)


@given(
    *(st.sampled_from([0, 9, 19, 20, 23, 24, 29, 59, 60, 61, 99]) for _ in range(5)),
    st.sampled_from("+-"),
    st.sampled_from(["", ".5"]),
)
@example(23, 59, 60, 0, 0, "+", "")
@example(24, 0, 0, 0, 0, "+", "")
@example(0, 0, 0, 24, 0, "+", "")
@example(0, 0, 0, 14, 60, "-", "")
@example(23, 59, 59, 23, 59, "-", ".5")
def test_impossible_time_of_day_is_refused_with_our_message(
    hours, minutes, seconds, hours_off, minutes_off, sign, fraction
):
    text = f"2030-06-15T{hours:02}:{minutes:02}:{seconds:02}{fraction}{sign}{hours_off:02}:{minutes_off:02}"

    if max(hours, hours_off) < 24 and max(minutes, seconds, minutes_off) < 60:
        assert INSTANTS.validate_python(text) == datetime.fromisoformat(text)
    else:
        with pytest.raises(ValidationError, match="must be an RFC 3339 instant with an offset from UTC and no"):
            INSTANTS.validate_python(text)


@given(st.text())
def test_any_text_is_an_instant_or_an_error(text):
    accepts(INSTANTS, text)


def test_instant_beyond_the_calendar_in_utc_is_refused():
    assert not accepts(INSTANTS, "9999-12-31T23:59:59-00:01")
    assert not accepts(INSTANTS, "0001-01-01T00:00:00+00:01")


def test_two_requests_do_not_share_a_list():
    MembershipChange(user_id=1).add_segments.append("AAA")

    assert MembershipChange(user_id=1).add_segments == []
