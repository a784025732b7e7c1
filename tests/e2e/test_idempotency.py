"""Idempotency-Key over HTTP, as clients that retry use it."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4


def under_a_new_key():
    return {"Idempotency-Key": str(uuid4())}


def test_a_retry_gets_the_first_answer_again(client, owner):
    headers = under_a_new_key()

    first, again = (client.post("/user", headers=headers) for _ in range(2))

    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, b'{"user_id":1}')
    assert again.headers["content-type"] == first.headers["content-type"] == "application/json; charset=utf-8"
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert first.headers["x-request-id"] != again.headers["x-request-id"]


def test_twenty_concurrent_retries_create_one_user(client, owner):
    headers = under_a_new_key()

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: client.post("/user", headers=headers), range(20)))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.text for answer in answers if answer.status_code == 201} == {'{"user_id":1}'}
    assert owner.execute("select from users").rowcount == 1


def test_another_body_under_the_same_key_is_refused(client, owner):
    headers = under_a_new_key()
    client.post("/segment", json={"slug": "FIRST"}, headers=headers).raise_for_status()

    answer = client.post("/segment", json={"slug": "SECOND"}, headers=headers)

    assert answer.status_code == 422
    assert [error["location"] for error in answer.json()["errors"]] == ["header.Idempotency-Key"]
