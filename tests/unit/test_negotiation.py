"""Accept chooses CSV or JSON, and Accept-Encoding permits gzip."""

from hypothesis import example, given
from hypothesis import strategies as st

from segmentation.api.negotiation import accepts_gzip, prefers_csv

RANGES = st.sampled_from(["text/csv", "text/*", "*/*", "application/json", "application/*", "text/html"])
WEIGHTS = st.integers(0, 1000).map(lambda thousandths: f"{thousandths / 1000:.3f}".rstrip("0"))


@given(st.text() | st.text("text/csv;q=.0123456789,* ²٣"))
def test_any_header_is_read(text):
    assert prefers_csv(text) in {True, False}


@given(RANGES, st.text())
@example("text/csv", "\u00b2")
@example("text/csv", "1.\u0663")
def test_any_weight_is_read(media_range, weight):
    assert prefers_csv(f"{media_range};q={weight}") in {True, False}


@given(WEIGHTS, WEIGHTS)
def test_greater_weight_wins(csv, json):
    expected = float(csv) > float(json)

    assert prefers_csv(f"text/csv;q={csv}, application/json;q={json}") == expected
    assert prefers_csv(f"application/json ; q={json},text/csv ; q={csv}") == expected


@given(WEIGHTS, WEIGHTS)
def test_exact_range_is_stronger_than_a_wildcard(csv, anything):
    assert prefers_csv(f"*/*;q={anything}, text/csv;q={csv}") == (float(csv) > float(anything))


@given(st.lists(RANGES.filter(lambda name: not name.startswith(("text/c", "text/*")))))
def test_csv_is_never_sent_unless_the_header_names_it(ranges):
    expected = False

    assert prefers_csv(", ".join(ranges)) == expected


@given(st.text() | st.text("gzip;q=.0123456789,* ²٣"))
def test_any_encoding_is_read(text):
    assert accepts_gzip(text) in {True, False}


@given(WEIGHTS, WEIGHTS)
def test_gzip_is_accepted_if_its_weight_is_above_0(gzip, anything):
    assert accepts_gzip(f"br, gzip;q={gzip}, *;q={anything}") == (float(gzip) > 0)
    assert accepts_gzip(f"*;q={anything} , br;q=1.0") == (float(anything) > 0)
