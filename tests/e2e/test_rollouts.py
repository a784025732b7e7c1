"""Rollouts over HTTP: small ones in the request, large ones in a job."""

from concurrent.futures import ThreadPoolExecutor

import pytest

LARGE = 60_000


@pytest.fixture
def users(owner):
    def arrive(count):
        owner.execute("insert into users (user_id) select generate_series(1, %s)", [count])

    return arrive


def members(client, slug):
    return client.get(f"/segment/{slug}").json()["members"]


def test_fifty_percent_of_two_hundred_users_are_a_hundred(client, users):
    users(200)

    answer = client.post("/segment", json={"slug": "HALF", "user_percent": 50})

    assert (answer.status_code, answer.json()["users_added"]) == (201, 100)
    assert members(client, "HALF") == 100


def test_concurrent_registrations_are_enrolled_exactly(client, owner):
    client.post("/segment", json={"slug": "TENTH", "user_percent": 10}).raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(lambda _: client.post("/user"), range(100))]

    assert {answer.status_code for answer in answers} == {201}
    assert members(client, "TENTH") == 10


def test_a_job_does_a_large_rollout(client, users, finished):
    users(LARGE)

    answer = client.post("/segment", json={"slug": "LARGE", "user_percent": 90})

    assert answer.status_code == 202
    job = finished(answer.json()["job_id"])
    assert (job["status"], job["result"]) == ("succeeded", {"users_added": 54_000, "users_deleted": 0})
    assert members(client, "LARGE") == 54_000


def test_a_large_segment_is_deleted_at_once_and_a_job_removes_its_members(client, users, owner, finished):
    users(LARGE)
    finished(client.post("/segment", json={"slug": "LARGE", "user_percent": 90}).json()["job_id"])

    answer = client.delete("/segment/LARGE")

    assert (answer.status_code, answer.json()["message"]) == (202, "ok")
    assert client.get("/segment/LARGE").status_code == 404
    assert client.post("/segment", json={"slug": "LARGE"}).status_code == 201
    assert finished(answer.json()["job_id"])["result"] == {"users_deleted": 54_000}
    assert owner.execute("select count(*) from history where reason = 'segment_deleted'").fetchone() == (54_000,)
