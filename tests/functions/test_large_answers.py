"""Answers near the size limit of Lambda: 6 MiB, as Lambda serializes them."""

import json

import pytest

from segmentation.api import resolver
from tests.functions.calls import call

pytestmark = pytest.mark.usefixtures("service")
LAMBDA_ANSWER_BYTES = 6 * 1024 * 1024
BATCH = {"user_ids": [*range(1, 1001)]}


@pytest.fixture
def add_members_with_long_slugs(owner):
    """Add each of this many users to this many segments whose slugs have the greatest length."""

    def run(users, segments):
        owner.execute(
            """
            with entered as (
                insert into segments (slug)
                select rpad('S' || number, 255, '_') from generate_series(1, %s) number
             returning segments.segment_id),
            arrived as (
                insert into users (user_id) select generate_series(1, %s)
             returning users.user_id)
            insert into memberships (user_id, segment_id, added_at)
            select arrived.user_id, entered.segment_id, now() from arrived, entered
            """,
            (segments, users),
        )

    return run


def sent_bytes(answer):
    """Return the size that Lambda counts with Python 3.12 or later."""
    sent = {"statusCode": answer.status, "headers": answer.headers, "body": answer.text, "isBase64Encoded": False}
    return len(json.dumps(sent, ensure_ascii=False).encode())


def test_batch_that_fits_is_answered(add_members_with_long_slugs):
    add_members_with_long_slugs(1000, 22)

    answer = call("batch_list_memberships", BATCH)

    assert answer.status == 200
    assert 5_500_000 < sent_bytes(answer) < LAMBDA_ANSWER_BYTES


def test_batch_that_does_not_fit_is_413_and_asks_for_fewer_users(add_members_with_long_slugs):
    add_members_with_long_slugs(1000, 25)

    answer = call("batch_list_memberships", BATCH)

    assert (answer.status, answer.json["type"]) == (413, "urn:segmentation:problem:answer-too-large")
    assert "fewer users" in answer.json["detail"]


def test_repeated_id_whose_segments_do_not_fit_is_413_before_the_answer_is_built(
    add_members_with_long_slugs, monkeypatch
):
    add_members_with_long_slugs(1, 60)
    monkeypatch.setattr(resolver, "written", lambda _: pytest.fail("the answer was built"))

    answer = call("batch_list_memberships", {"user_ids": [1] * 400})

    assert (answer.status, answer.json["type"]) == (413, "urn:segmentation:problem:answer-too-large")
    assert "fewer users" in answer.json["detail"]


def test_repeated_id_is_answered_once_for_each_time(add_members_with_long_slugs):
    add_members_with_long_slugs(2, 1)

    answer = call("batch_list_memberships", {"user_ids": [2, 1, 2, 3, 3]})

    assert [user["user_id"] for user in answer.json["users"]] == [2, 1, 2, 3, 3]
    assert [len(user["segments"]) for user in answer.json["users"]] == [1, 1, 1, 0, 0]


def test_half_of_a_batch_that_did_not_fit_is_answered(add_members_with_long_slugs):
    add_members_with_long_slugs(1000, 25)

    assert call("batch_list_memberships", {"user_ids": BATCH["user_ids"][:500]}).status == 200


def test_segments_of_one_user_that_do_not_fit_are_413(add_members_with_long_slugs, monkeypatch):
    monkeypatch.setattr(resolver, "MAX_ANSWER_BYTES", 60)
    add_members_with_long_slugs(1, 1)

    assert call("list_memberships", path="/segment/user/1").status == 413


@pytest.mark.parametrize(
    "character", ["\N{PILE OF POO}", '"', "\\", "\n"], ids=["4 bytes", "quote", "backslash", "line"]
)
def test_longest_page_of_segments_fits(owner, character):
    owner.execute(
        "insert into segments (slug, description, user_percent) select rpad('S' || number, 255, '_'), %s, 12.34"
        "  from generate_series(1, 1001) number",
        (character * 1000,),
    )

    answer = call("list_segments", query={"limit": "1000"})

    assert len(answer.json["segments"]) == 1000
    assert sent_bytes(answer) < LAMBDA_ANSWER_BYTES
