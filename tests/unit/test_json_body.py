"""Which JSON a body may be, and which problem a client gets for any other body."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.api.json_body import MAX_BODY_BYTES, parse
from segmentation.contract.problems import BodyNotJson, BodyTooLarge, BodyTypeUnsupported, RequestInvalid

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_object_is_read_as_it_was_written(members):
    assert parse(json.dumps(members), JSON) == members


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.text(max_size=30))
def test_content_type_of_json_does_not_matter(members, content_type):
    assert parse(json.dumps(members), content_type) == members


@given(st.text(st.characters(codec=None)), st.sampled_from(["", JSON, FORM, "text/plain"]))
def test_any_text_is_an_object_or_a_client_error(text, content_type):
    with suppress(BodyNotJson, BodyTypeUnsupported, RequestInvalid):
        assert isinstance(parse(text, content_type), dict)


@given(VALUES.filter(lambda value: not isinstance(value, dict)))
def test_json_that_is_no_object_is_invalid(value):
    with pytest.raises(RequestInvalid):
        parse(json.dumps(value), JSON)


@pytest.mark.parametrize(
    ("text", "content_type", "problem"),
    [
        ("hello", JSON, BodyNotJson),
        ("hello", "application/problem+json", BodyNotJson),
        ("hello", "", BodyNotJson),
        ("hello", FORM, BodyTypeUnsupported),
        ("slug=AAA", FORM, BodyTypeUnsupported),
        ("<a/>", "text/xml", BodyTypeUnsupported),
        ("{", FORM, BodyNotJson),
        ("  [1,", "text/plain", BodyNotJson),
    ],
)
def test_problem_of_a_non_json_body_depends_on_its_content_type(text, content_type, problem):
    with pytest.raises(problem):
        parse(text, content_type)


def test_position_of_a_syntax_error_is_named():
    with pytest.raises(BodyNotJson, match=r"line 2, column 7"):
        parse('{"slug":\n"AAA" x}', JSON)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '{"b": 0, "a": 1, "a": 2}', '{"a": 1, "\\u0061": 2}'])
def test_member_given_twice_is_named(text):
    with pytest.raises(RequestInvalid, match=r"body\.a: "):
        parse(text, JSON)


def test_member_given_twice_in_a_nested_object_is_refused():
    with pytest.raises(RequestInvalid):
        parse('{"list": [{"a": 1, "a": 2}]}', JSON)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_refused(constant):
    with pytest.raises(BodyNotJson):
        parse(f'{{"a": {constant}}}', JSON)


@pytest.mark.parametrize("filler", ["a", "ж", "\U0001f600", "\ud800"], ids=["one", "two", "four", "surrogate"])
def test_limit_is_counted_in_bytes(filler):
    size = len(filler.encode("utf-8", "surrogatepass"))
    count = (MAX_BODY_BYTES - len('{"a":""}')) // size

    parse('{"a":"' + filler * count + '"}', JSON)

    with pytest.raises(BodyTooLarge):
        parse('{"a":"' + filler * (count + size) + '"}', JSON)
