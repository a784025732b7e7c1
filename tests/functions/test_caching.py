"""The most frequent read may be kept by its caller: ETag, max-age, and 304 for an answer that is current."""

from datetime import UTC, datetime

import pytest

from segmentation.api import fast_path
from tests.functions.calls import call, invoke, sample
from tests.functions.factories import add_members, create_segments

PATH = "/segment/user/1"
END = datetime(2031, 1, 31, 12, tzinfo=UTC)
KEPT = {"etag", "cache-control", "vary"}


@pytest.fixture(params=["fast path", "resolver"])
def read(request, service, monkeypatch):
    """Read a user's segments on either path through the handler."""
    if request.param == "resolver":
        monkeypatch.setattr(fast_path, "_usual_arguments", lambda *_: None)

    def run(user_id=1, if_none_match=None):
        headers = {} if if_none_match is None else {"if-none-match": if_none_match}
        return call("list_memberships", path=f"/segment/user/{user_id}", headers=headers or {"accept": "*/*"})

    return run


def test_answer_has_a_strong_etag_and_is_private_to_its_token(read):
    answer = read()

    assert answer.headers["etag"].startswith('"')
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("private, max-age=30", "Authorization")


@pytest.mark.parametrize("form", ["{}", "W/{}", '"a", {}', '"a,b" , W/{},"c"', "*", " * "])
def test_answer_that_the_caller_has_is_304_without_a_body(read, form):
    create_segments("AAA")
    add_members("AAA", 1)
    first = read()

    answer = read(if_none_match=form.format(first.headers["etag"]))

    assert (answer.status, answer.text) == (304, "")
    assert {name: answer.headers[name] for name in KEPT} == {name: first.headers[name] for name in KEPT}
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("form", ['"a"', "", '""', "W/", "nonsense", '"*"', "a, *"])
def test_answer_that_the_caller_has_not_is_sent(read, form):
    first = read()

    assert read(if_none_match=form) == first


def test_etag_without_its_quotes_is_another(read):
    assert read(if_none_match=read().headers["etag"].strip('"')).status == 200


def test_changed_answer_has_another_etag(read):
    create_segments("AAA")
    before = read().headers["etag"]
    add_members("AAA", 1)

    assert read(if_none_match=before).json["segments"][0]["slug"] == "AAA"


def test_users_with_different_answers_have_different_etags(read):
    create_segments("AAA", "BBB")
    add_members("AAA", 1)
    add_members("BBB", 2)

    assert read(1).headers["etag"] != read(2).headers["etag"]


def test_caller_without_a_token_gets_no_304(service):
    event = sample("list_memberships")
    event["headers"]["if-none-match"] = invoke("list_memberships", event)["headers"]["ETag"]
    del event["requestContext"]["authorizer"]

    answer = invoke("list_memberships", event)

    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (401, "no-store")


@pytest.mark.direct(reason="changes a setting of its session")
@pytest.mark.parametrize(
    ("distance", "seconds"),
    [
        ("-1 day", 30),
        ("-30.000001 s", 30),
        ("-30 s", 30),
        ("-29.999999 s", 29),
        ("-1 s", 1),
        ("-0.999999 s", 0),
        ("-0.000001 s", 0),
        ("0 s", 30),
    ],
)
def test_max_age_is_the_whole_seconds_until_the_first_end(service, owner, stop_clock, distance, seconds):
    create_segments("AAA", "BBB", "CCC")
    add_members("AAA", 1)
    owner.execute(
        "insert into memberships select 1, number, '2023-08-28', %s::timestamptz + (number - 2) * interval '1 year'"
        "  from generate_series(2, 3) number",
        (END,),
    )

    stop_clock(END, distance)

    assert call("list_memberships", path=PATH).headers["cache-control"] == f"private, max-age={seconds}"
