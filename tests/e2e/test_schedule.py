"""The template's schedule, in the local run."""

import json

import boto3
import pytest

from local.settings import ROOT
from tests.e2e.waiting import eventually


@pytest.fixture
def exits(owner):
    def rows():
        return owner.execute(
            "select user_id, reason, actor, executed_at = expires_at from history where action_id = 2"
        ).fetchall()

    return rows


def test_the_schedule_records_the_exit_of_an_expired_membership(segment, change, exits):
    change(1, add_segments=[segment("AVITO_30")], ttl=1)

    assert eventually(exits) == [(1, "ttl", "schedule", True)]


def test_the_schedule_applies_a_step_by_a_job_and_the_next_one_after_it(client, owner, finished):
    owner.execute("insert into users (user_id) select generate_series(1, 60000)")
    client.post("/segment", json={"slug": "LARGE"}).raise_for_status()
    steps = [{"at": f"2099-01-0{day}T09:00:00Z", "user_percent": percent} for day, percent in ((1, 90), (2, 95))]
    client.post("/segment/LARGE/schedule", json={"steps": steps}).raise_for_status()

    owner.execute("update segment_steps set due_at = now() where step_id = 1")
    job = finished(eventually(lambda: schedule_of(client)[0]["job_id"]))
    owner.execute("update segment_steps set due_at = now() where step_id = 2")

    assert eventually(lambda: schedule_of(client)[1]["applied_at"])
    assert (job["status"], job["result"]) == ("succeeded", {"users_added": 54_000, "users_deleted": 0})
    assert client.get("/segment/LARGE").json()["members"] == 57_000


def schedule_of(client):
    return client.get("/segment/LARGE/schedule").json()["steps"]


def test_the_function_can_be_invoked_with_a_real_event(local_run, owner):
    client = boto3.client(
        "lambda",
        endpoint_url=local_run.lambda_url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",  # noqa: S106 - never checked
    )
    event = (ROOT / "events" / "expire_memberships.json").read_bytes()

    answer = client.invoke(FunctionName="ExpireMemberships", Payload=event)

    assert json.load(answer["Payload"]) == {"removed": 0, "remaining": 0, "oldest_age_seconds": 0.0}
