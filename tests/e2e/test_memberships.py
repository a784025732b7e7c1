"""Memberships, over HTTP and with many concurrent clients."""

import time
from concurrent.futures import ThreadPoolExecutor


def test_a_user_gets_exactly_the_segments_named_and_no_other_user_gets_any(segment, change, client):
    named = [segment("ALPHA"), segment("BETA")]
    segment("GAMMA")

    change(1000, add_segments=named)

    users = client.post("/segment/user/batch", json={"user_ids": [999, 1000, 1001, 1]}).json()["users"]
    assert {user["user_id"]: user["segments"] for user in users} == {999: [], 1000: named, 1001: [], 1: []}


def test_fifty_identical_adds_at_once_leave_one_membership_and_one_history_row(segment, change, owner):
    slug = segment("CROWDED")

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: change(7, add_segments=[slug]), range(50)))

    assert {answer.text for answer in answers if answer.status_code != 200} == set()
    assert sum(answer.json()["segments_added"] for answer in answers) == 1
    assert owner.execute("select count(*) from memberships").fetchone() == (1,)
    assert owner.execute("select count(*) from history").fetchone() == (1,)


def test_one_unknown_slug_among_ten_is_named_and_nothing_is_written(segment, change, owner):
    known = [segment(f"KNOWN_{number}") for number in range(9)]

    answer = change(8, add_segments=[*known[:5], "UNKNOWN", *known[5:]])

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["slugs"] == ["UNKNOWN"]
    assert owner.execute("select count(*) from memberships").fetchone() == (0,)
    assert owner.execute("select count(*) from history").fetchone() == (0,)


def test_a_membership_of_one_second_is_gone_from_every_read_two_seconds_later(segment, change, slugs_of, client):
    slug = segment("BRIEF")
    change(9, add_segments=[slug], ttl=1)

    time.sleep(2)

    batch = client.post("/segment/user/batch", json={"user_ids": [9]}).json()
    assert slugs_of(9) == []
    assert batch["users"] == [{"user_id": 9, "segments": []}]
    assert client.get(f"/segment/{slug}/users").json()["users"] == []
    assert client.get(f"/segment/{slug}").json()["members"] == 0


def test_an_expired_membership_can_be_added_again(segment, change, slugs_of):
    slug = segment("AGAIN")
    change(9, add_segments=[slug], ttl=1)
    time.sleep(2)

    answer = change(9, add_segments=[slug])

    assert answer.json() == {"segments_added": 1, "segments_deleted": 0}
    assert slugs_of(9) == [slug]
