"""A day without overload: no response is a failure, and the database has exactly the confirmed changes."""

import pytest

from tests.e2e.waiting import eventually
from tests.load import page
from tests.load.clients import send
from tests.load.conftest import filled_run, gateway_log
from tests.load.scale import CLIENTS, PEOPLE, SECONDS
from tests.load.verdict import assert_nothing_lost_or_doubled

WARM_UP_SECONDS = min(15, SECONDS)
DUE = "select count(*) from memberships where expires_at < now() - interval '1 second'"


@pytest.fixture(scope="module")
def run():
    with filled_run(PEOPLE) as run:
        yield run


@pytest.fixture(scope="module")
def morning(run):
    """The findings of the first requests, which start the environments."""
    return send(run, clients=CLIENTS, seconds=WARM_UP_SECONDS, people=PEOPLE).findings()


@pytest.fixture(scope="module")
def day(run, morning):
    return send(run, clients=CLIENTS, seconds=SECONDS, people=PEOPLE).findings()


def test_no_answer_is_a_failure(run, morning, day):
    assert morning.unexpected + day.unexpected == [], gateway_log(run)
    assert {status for status in morning.statuses() | day.statuses() if status >= 500} == set()
    assert day.reports > 0


def test_schedule_removes_what_is_due(day, owner):
    eventually(lambda: owner.execute(DUE).fetchone() == (0,))

    assert owner.execute("select from history where reason = 'ttl' limit 1").rowcount == 1


def test_nothing_is_lost_and_nothing_done_twice(morning, day, owner, report):
    assert_nothing_lost_or_doubled(owner, [morning, day], PEOPLE)

    report("day", page.day(day, owner))
