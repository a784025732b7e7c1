"""Values that break a rule of the contract: the answer is 422 with the location, and nothing is written."""

from urllib.parse import quote

import pytest

from tests.functions.calls import PROBLEM, as_text, call
from tests.functions.factories import create_segments, rows

BAD_IDS = [
    pytest.param('"1"', id="string"),
    pytest.param("true", id="true"),
    pytest.param("false", id="false"),
    pytest.param("1.0", id="float"),
    pytest.param("1e3", id="exponent"),
    pytest.param("1e400", id="1e400"),
    pytest.param("-1e400", id="minus-1e400"),
    pytest.param("0", id="0"),
    pytest.param("-0", id="minus-0"),
    pytest.param("-1", id="minus-1"),
    pytest.param("9223372036854775808", id="2^63"),
    pytest.param("18446744073709551617", id="2^64+1"),
    pytest.param("[1]", id="array"),
    pytest.param('{"user_id": 1}', id="object"),
]
BAD_SLUGS = [
    pytest.param("", id="empty"),
    pytest.param("AB", id="2-characters"),
    pytest.param("A" * 256, id="256-characters"),
    pytest.param("A" * 300, id="300-characters"),
    pytest.param("A" * 10_000, id="10000-characters"),
    pytest.param("_AAA", id="underscore-first"),
    pytest.param("-AAA", id="minus-first"),
    pytest.param(".AAA", id="dot-first"),
    pytest.param("../../etc/passwd", id="traversal"),
    pytest.param("A/B/C", id="slash"),
    pytest.param(" AAA", id="leading-space"),
    pytest.param("AAA ", id="trailing-space"),
    pytest.param("A AA", id="inner-space"),
    pytest.param("AAA\n", id="trailing-newline"),
    pytest.param("AAA\r\nX: y", id="CRLF"),
    pytest.param("\nAAA", id="leading-newline"),
    pytest.param("AAA\t", id="tab"),
    pytest.param("AA\x00A", id="NUL"),
    pytest.param("AAA\x00", id="trailing-NUL"),
    pytest.param("AAA\u00a0", id="no-break-space"),
    pytest.param("AAA\u200b", id="zero-width-space"),
    pytest.param("\u0410\u0412\u0418TO", id="cyrillic-confusable"),
    pytest.param("ＡＶＩＴＯ", id="full-width"),  # noqa: RUF001 -- the test needs a confusable letter
    pytest.param("AVI\u0422O", id="one-confusable"),
    pytest.param("AVITÓ", id="accent"),
    pytest.param("A\u0301AAA", id="combining-accent"),
    pytest.param("AA\u0661", id="arabic-digit"),
    pytest.param("\u202eOTIVA", id="RTL-override"),
    pytest.param("שלום", id="RTL"),
    pytest.param("AAA\U0001f600", id="emoji"),
    pytest.param("AAA\ud800", id="lone-surrogate"),
    pytest.param("=HYPERLINK(1)", id="formula-equals"),
    pytest.param("+1+1", id="formula-plus"),
    pytest.param("-1+1", id="formula-minus"),
    pytest.param("@SUM(A1)", id="formula-at"),
    pytest.param('A"B', id="quote"),
    pytest.param("A,B,C", id="comma"),
    pytest.param("A;B;C", id="semicolon"),
    pytest.param("A'); DROP TABLE users;--", id="sql"),
    pytest.param("AAA%00", id="percent"),
    pytest.param("user", id="reserved-user"),
    pytest.param("history", id="reserved-history"),
    pytest.param("reports", id="reserved-reports"),
    pytest.param("batch", id="reserved-batch"),
]
NO_SLUGS = [
    pytest.param(None, id="null"),
    pytest.param(123, id="number"),
    pytest.param(True, id="true"),
    pytest.param(["AAA"], id="array"),
    pytest.param({"slug": "AAA"}, id="object"),
]
BAD_DESCRIPTIONS = [
    pytest.param("a\x00b", id="NUL"),
    pytest.param("a\x1bb", id="escape"),
    pytest.param("a\x7fb", id="delete"),
    pytest.param("a\x85b", id="C1"),
    pytest.param("a\ud800b", id="lone-surrogate"),
    pytest.param("a" * 1001, id="1001-characters"),
    pytest.param(1, id="number"),
    pytest.param(["a"], id="array"),
]


BAD_COMMENTS = [
    pytest.param("", id="empty"),
    pytest.param("a\tb", id="tab"),
    pytest.param("a\rb", id="carriage-return"),
    pytest.param("a\x00b", id="NUL"),
    pytest.param("a\x85b", id="C1"),
    pytest.param("a\ud800b", id="lone-surrogate"),
    pytest.param("a" * 501, id="501-characters"),
    pytest.param(1, id="number"),
]
BAD_OWNERS = ["", "a" * 101, "a\nb", "a\tb", "a\x00b", 1]
COMMENTED = {
    "create_segment": {"slug": "BBB"},
    "update_segment": {"description": "x"},
    "delete_segment": {"slug": "AAA"},
    "change_memberships": {"user_id": 1, "add_segments": ["AAA"]},
    "update_membership": {"ttl": 60},
    "change_segment_users": {"add_users": [1]},
    "plan_steps": {"steps": [{"at": "2099-01-01T09:00:00Z", "user_percent": 10}]},
}
COMMENTED_PATHS = {
    "update_segment": "/segment/AAA",
    "update_membership": "/segment/user/1/AAA",
    "change_segment_users": "/segment/AAA/users",
    "plan_steps": "/segment/AAA/schedule",
}


WITH_USER_ID = {
    "list_memberships": "/segment/user/{}",
    "delete_user": "/user/{}",
    "explain_membership": "/segment/user/{}/AAA",
    "update_membership": "/segment/user/{}/AAA",
    "list_user_history": "/user/{}/history",
    "record_action": "/user/{}/history",
}
BAD_PERCENTS = [
    "-0.01",
    "-1",
    "0.001",
    "0.0000000001",
    "10.0000001",
    "0.005",
    "100.01",
    "101",
    "33.333",
    "1e-9",
    "1e300",
    '"30"',
    "true",
    "[30]",
    "{}",
]
BODIES = {"update_membership": {"ttl": 60}, "record_action": {"slug": "AAA", "action": "exposure"}}


@pytest.fixture(scope="module")
def one_segment(shared_service):
    create_segments("AAA")
    return shared_service


@pytest.fixture(autouse=True)
def unchanged_rows(one_segment):
    """Check that a refused request changes no row count."""
    before = rows(one_segment)
    yield
    assert rows(one_segment) == before


def assert_invalid(answer, location):
    assert (answer.status, answer.headers["content-type"]) == (422, PROBLEM), answer.text
    assert answer.json.keys() == {"type", "title", "status", "detail", "errors"}
    assert answer.locations == [location]
    assert all(error["message"] for error in answer.json["errors"])


@pytest.mark.parametrize("text", [*BAD_IDS, pytest.param("null", id="null")])
def test_bad_id_in_a_change_is_422(text):
    answer = call("change_memberships", f'{{"user_id": {text}, "add_segments": ["AAA"]}}')

    assert_invalid(answer, "body.user_id")


@pytest.mark.parametrize("text", BAD_IDS)
def test_bad_id_of_a_new_user_is_422(text):
    answer = call("create_user", f'{{"user_id": {text}}}')

    assert_invalid(answer, "body.user_id")


@pytest.mark.parametrize("text", [*BAD_IDS, pytest.param("null", id="null")])
def test_bad_id_in_a_batch_is_422(text):
    answer = call("batch_list_memberships", f'{{"user_ids": [1, {text}]}}')

    assert_invalid(answer, "body.user_ids.1")


@pytest.mark.parametrize("member", ["add_users", "delete_users"])
@pytest.mark.parametrize("text", [*BAD_IDS, pytest.param("null", id="null")])
def test_bad_id_in_a_change_of_many_users_is_422(member, text):
    answer = call("change_segment_users", f'{{"{member}": [1, {text}]}}', path="/segment/AAA/users")

    assert_invalid(answer, f"body.{member}.1")


@pytest.mark.parametrize("function", WITH_USER_ID)
@pytest.mark.parametrize(
    "text",
    ["0", "-1", "+1", "1.0", "1e3", "abc", "1_0", " 1", "1 ", "%31", "9223372036854775808", "9" * 40, "１", "٣", "NaN"],  # noqa: RUF001 -- the test needs digits of other scripts
)
def test_bad_id_in_a_path_is_422(function, text):
    answer = call(function, BODIES.get(function, ""), path=WITH_USER_ID[function].format(text))

    assert_invalid(answer, "path.user_id")


@pytest.mark.parametrize("digits", [19, 20, 1000])
def test_problem_of_an_id_beyond_its_bound_names_the_bound(digits):
    answer = call("list_memberships", path=f"/segment/user/{'9' * digits}")

    assert answer.json["errors"][0]["message"].endswith(" less than or equal to 9223372036854775807")


@pytest.mark.parametrize("function", WITH_USER_ID)
@pytest.mark.parametrize("text", ["1\n", "1\x00", '1"', "1/2", "1//"])
def test_id_in_a_path_with_a_suffix_is_refused(function, text):
    answer = call(function, BODIES.get(function, ""), path=WITH_USER_ID[function].format(text))

    assert answer.status in {404, 422}
    assert answer.json["type"] != "urn:segmentation:problem:user-unknown"


@pytest.mark.parametrize("slug", [*BAD_SLUGS, *NO_SLUGS])
def test_bad_slug_of_a_new_segment_is_422(slug):
    assert_invalid(call("create_segment", {"slug": slug}), "body.slug")


@pytest.mark.parametrize("slug", [*BAD_SLUGS, *(param for param in NO_SLUGS if param.id != "null")])
def test_bad_new_slug_of_a_segment_is_422(slug):
    assert_invalid(call("update_segment", {"slug": slug}, path="/segment/AAA"), "body.slug")


@pytest.mark.parametrize("slug", [*BAD_SLUGS, *NO_SLUGS])
def test_bad_slug_of_a_segment_to_delete_is_422(slug):
    assert_invalid(call("delete_segment", {"slug": slug}, path="/segment"), "body.slug")


@pytest.mark.parametrize("slug", [*BAD_SLUGS, *NO_SLUGS])
def test_bad_slug_to_add_is_422_at_its_index(slug):
    answer = call("change_memberships", {"user_id": 1, "add_segments": ["AAA", slug]})

    assert_invalid(answer, "body.add_segments.1")


@pytest.mark.parametrize("slug", [*BAD_SLUGS, *NO_SLUGS])
def test_bad_slug_of_an_action_is_422(slug):
    answer = call("record_action", {"slug": slug, "action": "exposure"}, path="/user/1/history")

    assert_invalid(answer, "body.slug")


@pytest.mark.parametrize("slug", ["AA", "AAA\n", "user", "=1+1", None, 1])
def test_bad_slug_to_delete_is_422_at_its_index(slug):
    answer = call("change_memberships", {"user_id": 1, "delete_segments": ["AAA", slug]})

    assert_invalid(answer, "body.delete_segments.1")


@pytest.mark.parametrize("member", ["add_segments", "delete_segments"])
@pytest.mark.parametrize("value", ["AAA", {"AAA": 1}, 1, True], ids=["string", "object", "number", "true"])
def test_slugs_that_are_not_a_list_are_422(member, value):
    assert_invalid(call("change_memberships", {"user_id": 1, member: value}), f"body.{member}")


@pytest.mark.parametrize("value", [None, 1, "1", {"1": 1}, True], ids=["null", "number", "string", "object", "true"])
def test_user_ids_that_are_not_a_list_are_422(value):
    assert_invalid(call("batch_list_memberships", {"user_ids": value}), "body.user_ids")


@pytest.mark.parametrize("encode", [quote, str], ids=["encoded", "plain"])
@pytest.mark.parametrize("slug", [param for param in BAD_SLUGS if param.id not in {"lone-surrogate", "empty"}])
def test_bad_slug_in_a_path_is_refused(encode, slug):
    answer = call("get_segment", path=f"/segment/{encode(slug)}")

    assert answer.status in {404, 422}, answer.text
    assert answer.json["type"] != "urn:segmentation:problem:segment-unknown"


@pytest.mark.parametrize(
    ("function", "path"),
    [
        ("update_segment", "/segment/{}"),
        ("delete_segment", "/segment/{}"),
        ("list_segment_users", "/segment/{}/users"),
        ("list_segment_changes", "/segment/{}/history"),
        ("plan_steps", "/segment/{}/schedule"),
        ("list_steps", "/segment/{}/schedule"),
        ("cancel_steps", "/segment/{}/schedule"),
        ("update_membership", "/segment/user/1/{}"),
    ],
)
@pytest.mark.parametrize("slug", ["AAA\n", "AAA%0A", "AAA ", "A'--", "batch", "\u0410AA", "A" * 256])
def test_every_route_refuses_a_bad_slug_in_its_path(function, path, slug):
    body = {"update_segment": {"description": "x"}, **BODIES}.get(function, "")

    answer = call(function, body, path=path.format(slug))

    assert answer.status in {404, 422}, answer.text
    assert answer.json["type"] != "urn:segmentation:problem:segment-unknown"


@pytest.mark.parametrize("function", COMMENTED)
@pytest.mark.parametrize("comment", BAD_COMMENTS)
def test_bad_comment_is_422(function, comment):
    answer = call(function, COMMENTED[function] | {"comment": comment}, path=COMMENTED_PATHS.get(function))

    assert_invalid(answer, "body.comment")


@pytest.mark.parametrize("name", BAD_OWNERS)
def test_bad_owner_is_422(name):
    assert_invalid(call("create_segment", {"slug": "BBB", "owner": name}), "body.owner")
    assert_invalid(call("update_segment", {"owner": name}, path="/segment/AAA"), "body.owner")


@pytest.mark.parametrize("description", BAD_DESCRIPTIONS)
def test_bad_description_of_a_new_segment_is_422(description):
    assert_invalid(call("create_segment", {"slug": "BBB", "description": description}), "body.description")


@pytest.mark.parametrize("description", BAD_DESCRIPTIONS)
def test_bad_new_description_is_422(description):
    answer = call("update_segment", {"description": description}, path="/segment/AAA")

    assert_invalid(answer, "body.description")


@pytest.mark.parametrize("percent", BAD_PERCENTS)
def test_bad_percent_of_a_new_segment_is_422(percent):
    assert_invalid(call("create_segment", f'{{"slug": "BBB", "user_percent": {percent}}}'), "body.user_percent")


@pytest.mark.parametrize("percent", BAD_PERCENTS)
def test_bad_new_percent_is_422(percent):
    answer = call("update_segment", f'{{"user_percent": {percent}}}', path="/segment/AAA")

    assert_invalid(answer, "body.user_percent")


@pytest.mark.parametrize("erase", ["maybe", "", "2", "true,false", "tru e"])
def test_erase_that_is_no_boolean_is_422(erase):
    assert_invalid(call("delete_user", path="/user/1", query={"erase": erase}), "query.erase")


@pytest.mark.parametrize("member", ["members", "created_at", "users_added"])
def test_member_of_the_response_is_refused_in_a_request(member):
    assert_invalid(call("create_segment", {"slug": "BBB", member: None}), f"body.{member}")


def test_every_error_of_a_body_is_named():
    answer = call("change_memberships", as_text({"user_id": 0, "add_segments": ["A"], "ttl": -1, "who": 1}))

    assert sorted(answer.locations) == ["body.add_segments.0", "body.ttl", "body.user_id", "body.who"]


def test_refused_value_is_not_repeated():
    answer = call("create_segment", {"slug": "<script>alert(1)</script>"})

    assert "script" not in answer.text
