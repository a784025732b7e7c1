"""Bodies that are no JSON object or are too large: the answer is a 4xx problem, and nothing is written."""

import json
import time

import pytest

from tests.functions.calls import NO_BODY, OFREP, PROBLEM, WITH_BODY, call
from tests.functions.factories import create_segments, rows

pytestmark = pytest.mark.usefixtures("service", "callers_stand")
LAMBDA_ANSWER_BYTES = 6 * 1024 * 1024
MEBIBYTE = 1024 * 1024
FORM = "application/x-www-form-urlencoded"
# test_ofrep.py has the errors of OFREP, which are no problem documents
EVERY_BODY = pytest.mark.parametrize("function", [name for name in WITH_BODY if name not in OFREP])
NOT_JSON = [
    pytest.param("{", id="open"),
    pytest.param('{"slug": "AAA",}', id="trailing-comma"),
    pytest.param("{'slug': 'AAA'}", id="single-quotes"),
    pytest.param('{"slug": "AAA"} {}', id="two-documents"),
    pytest.param('{"user_id": NaN}', id="NaN"),
    pytest.param('{"user_id": Infinity}', id="Infinity"),
    pytest.param('{"user_id": -Infinity}', id="minus-Infinity"),
    pytest.param('{"user_id": 01}', id="leading-zero"),
    pytest.param('{"user_id": 0x10}', id="hexadecimal"),
    pytest.param('{"slug": "A\x00A"}', id="raw-NUL"),
    pytest.param('{"slug": "AA\nA"}', id="raw-newline"),
    pytest.param('{"slug": "\\uD8"}', id="broken-escape"),
    pytest.param('{"slug": \ufeff"AAA"}', id="BOM-within"),
    pytest.param("\ufeff", id="only-a-BOM"),
    pytest.param(b'{"slug": "\xff\xfe"}', id="invalid-utf-8"),
    pytest.param('{"slug": "AAA"}'.encode("utf-16"), id="utf-16"),
    pytest.param(b"\x1f\x8b\x08\x00", id="gzip"),
    pytest.param(" ", id="blank"),
]
BEYOND_THE_PARSER = [
    pytest.param("[" * 100_000 + "]" * 100_000, id="deep-arrays"),
    pytest.param('{"a":' * 100_000 + "0" + "}" * 100_000, id="deep-objects"),
    pytest.param('{"user_id": ' + "9" * 1001 + "}", id="long-number"),
    pytest.param('{"user_id": ' + "9" * 1_000_000 + "}", id="longest-number"),
]
NOT_AN_OBJECT = [
    pytest.param("null", id="null"),
    pytest.param("true", id="true"),
    pytest.param("1", id="number"),
    pytest.param('"AAA"', id="string"),
    pytest.param("[]", id="empty-array"),
    pytest.param('[{"slug": "AAA"}]', id="array-of-objects"),
]


def assert_problem(answer, status):
    assert (answer.status, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    assert answer.json["status"] == status
    assert all(isinstance(answer.json[name], str) and answer.json[name] for name in ("type", "title", "detail"))


@pytest.mark.parametrize("body", NOT_JSON)
def test_body_that_is_not_json_is_400_and_writes_nothing(body, owner):
    answer = call("create_segment", body)

    assert_problem(answer, 400)
    assert rows(owner) == (0, 0, 0, 0)


@EVERY_BODY
def test_every_route_refuses_a_body_that_is_not_json(function):
    assert_problem(call(function, "{", path=WITH_BODY[function]), 400)


@pytest.mark.parametrize("body", BEYOND_THE_PARSER)
def test_json_beyond_the_parsers_limits_is_422_at_the_body(body, owner):
    answer = call("create_user", body)

    assert_problem(answer, 422)
    assert answer.locations == ["body"]
    assert rows(owner) == (0, 0, 0, 0)


@pytest.mark.parametrize("body", [*NOT_JSON, *BEYOND_THE_PARSER])
def test_problem_of_a_broken_body_does_not_mention_python(body):
    answer = call("create_segment", body)

    inside = ("utf-8-sig", "recursion", "decode using", "sys.", "python", "codec")
    assert not [word for word in inside if word in answer.json["detail"].lower()], answer.json["detail"]


@pytest.mark.parametrize("function", ["create_user", "change_memberships"])
@pytest.mark.parametrize("body", NOT_AN_OBJECT)
def test_json_that_is_no_object_is_422_at_the_body(function, body):
    answer = call(function, body, path=WITH_BODY[function])

    assert_problem(answer, 422)
    assert answer.locations == ["body"]


@pytest.mark.parametrize("function", sorted(WITH_BODY.keys() - OFREP - {"create_user", "create_export"}))
@pytest.mark.parametrize("body", [NO_BODY, ""], ids=["none", "empty"])
def test_missing_body_is_422_at_the_body(function, body):
    answer = call(function, body, path=WITH_BODY[function])

    assert_problem(answer, 422)
    assert answer.locations == ["body"]


@EVERY_BODY
def test_unknown_member_is_422(function):
    answer = call(function, {"surprise": 1}, path=WITH_BODY[function])

    assert_problem(answer, 422)
    assert "body.surprise" in answer.locations


@EVERY_BODY
def test_member_given_twice_is_422(function):
    answer = call(function, '{"slug": "AAA", "slug": "BBB"}', path=WITH_BODY[function])

    assert_problem(answer, 422)
    assert answer.locations == ["body.slug"]


@EVERY_BODY
def test_member_named_by_a_lone_surrogate_is_422(function):
    answer = call(function, '{"\\ud800": 1}', path=WITH_BODY[function])

    assert_problem(answer, 422)


def test_deep_nesting_within_the_parsers_limit_is_422():
    answer = call("create_segment", '{"slug": ' + "[" * 900 + "]" * 900 + "}")

    assert_problem(answer, 422)
    assert answer.locations == ["body.slug"]


@pytest.mark.parametrize("digits", [20, 400, 1000])
def test_huge_integer_is_refused_and_writes_nothing(digits, owner):
    answer = call("create_user", '{"user_id": ' + "9" * digits + "}")

    assert_problem(answer, 422)
    assert answer.locations == ["body.user_id"]
    assert rows(owner) == (0, 0, 0, 0)


@pytest.mark.parametrize("base64", [True, False], ids=["base64", "plain"])
@EVERY_BODY
def test_body_over_one_mebibyte_is_413(function, base64):
    answer = call(function, '{"slug": "AAA"' + " " * MEBIBYTE + "}", path=WITH_BODY[function], base64=base64)

    assert_problem(answer, 413)


def test_size_of_a_body_is_counted_in_bytes():
    answer = call("create_segment", '{"slug": "AAA", "description": "' + "ж" * (MEBIBYTE // 2) + '"}')

    assert_problem(answer, 413)


def test_body_of_one_mebibyte_is_read():
    body = '{"slug": "AAA"}'

    answer = call("create_segment", body + " " * (MEBIBYTE - len(body)))

    assert answer.status == 201


@pytest.mark.parametrize("content_type", [FORM, "text/plain", "application/xml", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("body", ["slug=AAA", "<slug>AAA</slug>", "hello", b"\x89PNG\xff", b"\xff"])
def test_other_content_declared_as_another_type_is_415(content_type, body):
    answer = call("create_segment", body, headers={"content-type": content_type})

    assert_problem(answer, 415)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/merge-patch+json",
        FORM,
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "",
    ],
)
def test_json_is_accepted_with_any_content_type(content_type):
    answer = call("create_segment", {"slug": "AAA"}, headers={"content-type": content_type})

    assert answer.status == 201


def test_json_is_accepted_without_a_content_type():
    answer = call("create_segment", {"slug": "AAA"}, headers={"accept": "*/*"})

    assert answer.status == 201


@pytest.mark.parametrize("body", ['{"slug": ', b'{"slug": "\xff"}'], ids=["open", "not-utf-8"])
def test_broken_json_declared_as_a_form_is_400(body):
    answer = call("create_segment", body, headers={"content-type": FORM})

    assert_problem(answer, 400)


def test_body_may_be_in_base64():
    answer = call("create_segment", {"slug": "AAA", "description": "скидка"}, base64=True)

    assert answer.json["description"] == "скидка"


@pytest.mark.parametrize("base64", [True, False], ids=["base64", "plain"])
@pytest.mark.parametrize("function", ["create_user", "change_memberships"])
def test_byte_order_mark_before_a_body_is_skipped(function, base64):
    answer = call(function, '\ufeff{"user_id": 1}', base64=base64)

    assert answer.status in {200, 201}


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("gzip", "gzip"), ("br", "br"), ("GZIP", "gzip"), ("deflate, gzip", "deflate, gzip"), ("zstd\r\n<b>", "zstd, b")],
)
@pytest.mark.parametrize("body", [b"\x1f\x8b\x08\x00", '{"user_id": 1}'], ids=["compressed", "plain"])
@pytest.mark.parametrize("function", ["create_user", "change_memberships"])
def test_compressed_body_is_415_and_its_encoding_is_named(function, body, encoding, named, owner):
    answer = call(function, body, headers={"content-type": "application/json", "content-encoding": encoding})

    assert_problem(answer, 415)
    assert f"the encoding {named};" in answer.json["detail"]
    assert rows(owner) == (0, 0, 0, 0)


@EVERY_BODY
def test_every_route_refuses_a_compressed_body(function):
    answer = call(function, b"\x1f\x8b\x08\x00", path=WITH_BODY[function], headers={"content-encoding": "gzip"})

    assert_problem(answer, 415)


@pytest.mark.parametrize("encoding", ["", "identity"])
@pytest.mark.parametrize("function", ["create_user", "change_memberships"])
def test_body_with_the_encoding_identity_is_read(function, encoding):
    answer = call(function, {"user_id": 1}, headers={"content-encoding": encoding})

    assert answer.status in {200, 201}


def test_body_of_a_read_is_ignored():
    create_segments("AAA")

    assert call("get_segment", "not json", path="/segment/AAA").status == 200


@pytest.mark.parametrize("body", [{"erase": True}, "erase=true", b"\xff"])
def test_deletion_without_a_documented_body_refuses_one_and_deletes_nothing(body, owner):
    call("create_user", {"user_id": 1000})

    answer = call("delete_user", body, path="/user/1000")

    assert_problem(answer, 422)
    assert [error["location"] for error in answer.json["errors"]] == ["body"]
    assert rows(owner) == (1, 0, 0, 0)


@pytest.mark.parametrize("body", ["", " ", "{}", "\ufeff{}"])
def test_deletion_accepts_a_body_without_members(body):
    call("create_user", {"user_id": 1000})

    assert call("delete_user", body, path="/user/1000").status == 200


def members(count):
    return json.dumps({f"{number:x}": 0 for number in range(count)})


HOSTILE = [
    pytest.param("create_segment", lambda: members(80_000), id="many-unknown-members"),
    pytest.param("create_segment", lambda: members(15_000)[:-1] + ', "3a97": 0}', id="member-twice-among-many"),
    pytest.param("create_segment", lambda: '{"' + "é" * 500_000 + '": 0}', id="long-member-name"),
    pytest.param("create_segment", lambda: json.dumps({"slug": "A" * 1_000_000}), id="long-slug"),
    pytest.param(
        "change_memberships", lambda: json.dumps({"user_id": 1, "add_segments": [0] * 300_000}), id="many-slugs"
    ),
    pytest.param("batch_list_memberships", lambda: json.dumps({"user_ids": [""] * 200_000}), id="many-ids"),
    pytest.param("change_segment_users", lambda: json.dumps({"add_users": [""] * 10_000}), id="ten-thousand-bad-ids"),
    pytest.param(
        "change_segment_users",
        lambda: json.dumps({"add_users": [*range(1, 5001)], "delete_users": [*range(1, 5001)]}),
        id="five-thousand-ids-in-both-lists",
    ),
    pytest.param("batch_list_memberships", lambda: json.dumps({"user_ids": [""] * 1000}), id="thousand-bad-ids"),
]


@pytest.mark.parametrize(("function", "body"), HOSTILE)
def test_answer_to_a_hostile_body_fits_into_a_lambda_answer(function, body):
    answer = call(function, body())

    assert_problem(answer, 422)
    assert len(json.dumps(answer.text)) < LAMBDA_ANSWER_BYTES


@pytest.mark.parametrize(("function", "body"), HOSTILE)
def test_hostile_body_is_answered_within_two_seconds(function, body):
    sent = body()
    started = time.thread_time()

    call(function, sent)

    assert time.thread_time() - started < 2  # of the processor: other processes of a busy machine do not count
