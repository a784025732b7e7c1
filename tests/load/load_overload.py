"""Overload: more clients than environments, without a queue, as on Lambda; and too few database connections."""

import time
from dataclasses import dataclass, field

import pytest

from tests.e2e.conftest import LocalRun
from tests.load import page
from tests.load.clients import send
from tests.load.conftest import counting_connections, few_connections, filled_run, gateway_log
from tests.load.findings import Findings, percentile
from tests.load.scale import CLIENTS, IS_WHOLE, PEOPLE, SECONDS
from tests.load.verdict import assert_nothing_lost_or_doubled

FEWER_PEOPLE = PEOPLE // 5
CROWD = max(12 * CLIENTS, 96)  # more than the maximum of connections
PHASE_SECONDS = max(5, SECONDS / 6)
ANSWERS = {200, 201, 202, 404}
MAX_CONNECTIONS = 100  # the limits of the template assume this default
FEW = 5
FEW_SECONDS = 5  # a job's message must not use up its deliveries, because then only the schedule sends it again
REFUSAL_SECONDS = 2
RECOVERY = 2


@dataclass
class Phases:
    """The findings of each phase, and the numbers of connections."""

    run: LocalRun
    found: dict[str, Findings] = field(default_factory=dict)
    connections: list[int] = field(default_factory=list)

    def live(self, name: str, clients: int) -> None:
        with counting_connections(self.run) as counts:
            self.found[name] = self.send(clients, PHASE_SECONDS).findings()
        self.connections += counts

    def live_with_few_connections(self, name: str, clients: int) -> None:
        with few_connections(self.run, FEW):
            sent = self.send(clients, FEW_SECONDS)
            sent.wait_until_begun()
            time.sleep(FEW_SECONDS)
        self.found[name] = sent.findings()

    def send(self, clients: int, seconds: float):
        return send(self.run, clients=clients, seconds=seconds, people=FEWER_PEOPLE, crowd=clients == CROWD)


@pytest.fixture(scope="module")
def run():
    with filled_run(FEWER_PEOPLE, "--wait-seconds", "0") as run:
        yield run


@pytest.fixture(scope="module")
def phases(run):
    lived = Phases(run)
    lived.live("start", CLIENTS)
    lived.live("before", CLIENTS)
    lived.live("crowd", CROWD)
    lived.live("after", CLIENTS)
    lived.live_with_few_connections("few connections", CLIENTS)
    lived.live("in the end", CLIENTS)
    return lived


def test_every_answer_is_an_answer_or_a_refusal_that_says_when_to_come_back(phases):
    unexpected = [line for found in phases.found.values() for line in found.unexpected]
    assert unexpected == [], gateway_log(phases.run)
    assert {status for found in phases.found.values() for status in found.statuses()} <= ANSWERS | {503}


@pytest.mark.parametrize("overload", ["crowd", "few connections"])
def test_overload_refuses_some_and_serves_others(phases, overload):
    statuses = phases.found[overload].statuses()

    assert statuses[503] > 0
    assert statuses[200] > 0


@pytest.mark.parametrize(("overload", "then"), [("crowd", "after"), ("few connections", "in the end")])
def test_refusals_end_with_the_overload(phases, overload, then):
    assert phases.found[then].refused() < phases.found[overload].refused() / 4


def test_crowd_gets_no_more_connections_than_are_reserved(phases):
    assert max(phases.connections) <= 0.8 * MAX_CONNECTIONS < CROWD


def test_nothing_is_lost_and_nothing_done_twice(phases, owner, report):
    assert_nothing_lost_or_doubled(owner, [*phases.found.values()], FEWER_PEOPLE)

    report("overload", page.overload(phases.found, max(phases.connections)))


@pytest.mark.skipif(not IS_WHOLE, reason="seconds are for the whole run")
def test_refusals_come_quickly_and_the_speed_comes_back(phases):
    before, crowd, after = (phases.found[name] for name in ("before", "crowd", "after"))

    assert percentile(crowd.times(refused=True), 0.99) < 1000 * REFUSAL_SECONDS
    assert percentile(after.times(), 0.5) <= RECOVERY * percentile(before.times(), 0.5)
