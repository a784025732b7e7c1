"""Pages and cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.contract.cursors import decode_cursor, encode_cursor, page

KEYS = st.integers(1, 2**63 - 1).map(str) | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{2,254}", fullmatch=True)


@given(KEYS)
def test_decoded_cursor_is_its_key(key):
    assert decode_cursor(encode_cursor(key)) == key


@given(KEYS)
def test_cursor_needs_no_escape_in_a_url(key):
    assert encode_cursor(key).replace("-", "").replace("_", "").isalnum()


@given(st.text())
def test_any_text_is_a_cursor_or_an_error(text):
    try:
        assert decode_cursor(text).isascii()
    except ValueError:
        return


@given(st.text("=* \n", min_size=1))
def test_text_that_is_no_cursor_is_refused(text):
    with pytest.raises(ValueError, match="must be the next_cursor of the previous page"):
        decode_cursor("*" + text)


@given(st.integers(0, 5), st.integers(1, 5))
def test_page_ends_at_the_limit(rows, limit):
    found, _ = page(list(range(rows)), limit, lambda row: row)

    assert found == list(range(min(rows, limit)))


@given(st.integers(0, 5), st.integers(1, 5))
def test_page_has_a_cursor_only_if_another_page_follows(rows, limit):
    _, cursor = page(list(range(rows)), limit, lambda row: row)

    assert cursor == (encode_cursor(str(limit - 1)) if rows > limit else None)
