"""Reads of a user's segments at a past instant, and explanations: parameters, problems and headers."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.functions.calls import PROBLEM, call
from tests.functions.factories import add_members, change, create_segments, done, memberships_of

pytestmark = pytest.mark.usefixtures("service")

READS = {"list_memberships": "/segment/user/1", "explain_membership": "/segment/user/1/AAA"}
EVERY_READ = pytest.mark.parametrize("function", READS)
LONG_AGO = "2001-01-31T12:00:00Z"


def ask(function, headers=None, **query):
    return call(function, path=READS[function], query=query, headers={"accept": "*/*"} | (headers or {}))


def now():
    return datetime.now(UTC).isoformat()


@pytest.fixture(autouse=True)
def member(service):
    """Add user 1 to AAA."""
    create_segments("AAA")
    add_members("AAA", 1)


def test_segments_at_an_instant_are_those_of_that_time():
    before = now()
    added = memberships_of(1)
    done(change(1, delete=("AAA",)))

    assert done(ask("list_memberships", at=before)) == {"segments": added}
    assert done(ask("list_memberships", at=LONG_AGO)) == {"segments": []}
    assert memberships_of(1) == []


def test_explanation_is_about_now_without_an_instant():
    answer = done(ask("explain_membership"))

    assert (answer["user_id"], answer["slug"], answer["member"], answer["because"]) == (1, "AAA", True, "by_hand")
    assert answer["explanation"].startswith("User 1 is in AAA, without an end: alice added them on ")
    assert abs(datetime.fromisoformat(answer["at"]) - datetime.now(UTC)) < timedelta(minutes=5)


def test_explanation_has_the_operations_as_the_history_shows_them():
    [operation] = done(ask("explain_membership"))["operations"]

    history = done(call("list_user_history", path="/user/1/history", headers={"accept": "application/json"}))
    assert operation == history["operations"][0]


def test_explanation_of_a_past_instant_is_in_the_past_tense():
    answer = done(ask("explain_membership", at=LONG_AGO))

    assert (answer["at"], answer["because"]) == (LONG_AGO, "segment_not_created_yet")
    assert answer["explanation"].startswith("User 1 was not in AAA on 31 January 2001 at 12:00 UTC, because ")


def test_slug_that_no_segment_ever_had_is_404():
    answer = call("explain_membership", path="/segment/user/1/NONE")

    assert (answer.status, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.json["slugs"] == ["NONE"]


@EVERY_READ
@pytest.mark.parametrize(
    "instant", ["", "now", "5", "2023-08-28", "2023-08-28T10:25:25", "1999-12-31T23:59:59Z", "9999-12-31T23:59-01:00"]
)
def test_value_that_is_no_instant_from_2000_on_is_422(function, instant):
    answer = ask(function, at=instant)

    assert (answer.status, answer.locations) == (422, ["query.at"])


@EVERY_READ
def test_instant_in_the_future_is_422(function):
    answer = ask(function, at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())

    assert (answer.status, answer.locations) == (422, ["query.at"])
    assert answer.json["errors"][0]["message"] == "must not be in the future"


@EVERY_READ
@pytest.mark.parametrize("query", [f"at={LONG_AGO}&at={LONG_AGO}", "color=red"])
def test_repeated_or_unknown_parameter_is_422(function, query):
    assert call(function, path=READS[function], query=query).status == 422


@EVERY_READ
@pytest.mark.parametrize("instant", ["2000-01-01T00:00:00Z", "2023-08-28T10:25+03", LONG_AGO])
def test_answer_about_the_past_may_be_kept_for_an_hour(function, instant):
    answer = ask(function, at=instant)

    assert (answer.status, answer.headers["cache-control"]) == (200, "private, max-age=3600")
    assert answer.headers["vary"] == "Authorization"
    again = ask(function, {"if-none-match": answer.headers["etag"]}, at=instant)
    assert (again.status, again.text) == (304, "")


def test_explanation_of_now_is_not_stored():
    assert ask("explain_membership").headers["cache-control"] == "no-store"
    assert ask("explain_membership", at=now()).headers["cache-control"] == "no-store"


def test_write_that_takes_too_long_is_503_about_the_last_half_minute(owner, monkeypatch):
    monkeypatch.setattr("segmentation.database.watermark.REQUEST_SECONDS", 0)
    with owner.transaction():
        owner.execute("select pg_current_xact_id()")

        answer = ask("list_memberships", at=now())

    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert answer.json["type"] == "urn:segmentation:problem:instant-unsettled"
