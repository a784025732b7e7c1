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
