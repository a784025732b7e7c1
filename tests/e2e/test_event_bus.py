"""The events of a local run, on its bus: a rule sends them to a queue, which the test reads."""

import json

import httpx
import psycopg
import pytest

from local import postgres
from local.queues import Queues
from tests.e2e.conftest import running
from tests.e2e.waiting import eventually

BUS = "segments"


@pytest.fixture(scope="module")
def publishing_run():
    with postgres.throw_away_directory() as state, running(state, "--minute", "2", "--event-bus", BUS) as run:
        yield run


@pytest.fixture
def client(publishing_run):
    with httpx.Client(base_url=f"http://localhost:{publishing_run.port}", timeout=60, trust_env=False) as opened:
        yield opened


@pytest.fixture
def received(publishing_run):
    """The next entries of the queue behind the bus."""
    source = Queues(publishing_run.port + 3)

    def entries():
        return [json.loads(message["Body"]) for message in source.receive(BUS, 10, wait=False)]

    return entries


@pytest.fixture
def begun(publishing_run):
    """Wait until the schedule has begun to publish, because a new bus begins at the newest event."""
    with psycopg.connect(publishing_run.owner_url, autocommit=True) as owner:
        eventually(lambda: owner.execute("select from feed where bus = %s", (BUS,)).rowcount)


@pytest.mark.usefixtures("begun")
def test_the_schedule_publishes_what_the_feed_shows(client, received):
    client.post("/segment", json={"slug": "AVITO_30"}).raise_for_status()
    client.post("/segment/user", json={"user_id": 1, "add_segments": ["AVITO_30"]}).raise_for_status()

    [entry] = eventually(received)

    assert (entry["source"], entry["detail-type"]) == ("segmentation", "MembershipsChanged")
    assert entry["detail"]["events"] == client.get("/event").json()["events"]
