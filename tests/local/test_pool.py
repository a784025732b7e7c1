"""Execution environments: their number, and when they are reused or replaced."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.pool import Pool, Throttled
from local.runtime import Answer, Function
from tests.e2e.waiting import eventually

CONCURRENCY = 4


class Environment:
    """An execution environment without a process."""

    def __init__(self, started_at):
        self.started_at = started_at
        self.child = self
        self.stopped = False

    def invoke(self, event):
        if event == b"die":
            self.stop()
        return Answer(event, failed=False)

    def running(self):
        return not self.stopped

    def stop(self):
        self.stopped = True

    ask_to_stop = stop


class Launcher:
    """Starts environments without a process."""

    def __init__(self):
        self.asked = 0
        self.launched = []
        self.answers = threading.Event()
        self.answers.set()

    def launch(self, function):
        self.asked += 1
        self.answers.wait(60)
        self.launched.append(Environment(started_at=2**63))
        return self.launched[-1]


@pytest.fixture
def launcher():
    return Launcher()


@pytest.fixture
def pool(launcher):
    return Pool(launcher, wait_seconds=10)


@pytest.fixture
def function(tmp_path):
    return Function("Probe", "python3.13", "app.handler", tmp_path, (), {}, 128, 3, CONCURRENCY)


def test_the_first_answer_is_cold_and_the_next_is_warm(pool, function):
    answers = [pool.invoke(function, b"x"), pool.invoke(function, b"x")]

    assert [answer.cold for answer in answers] == [True, False]


def test_an_environment_that_died_is_replaced(pool, launcher, function):
    pool.invoke(function, b"die")

    answer = pool.invoke(function, b"x")

    assert answer.cold
    assert len(launcher.launched) == 2


def test_an_environment_older_than_the_code_is_replaced(pool, launcher, function):
    pool.invoke(function, b"x")
    launcher.launched[0].started_at = 0

    answer = pool.invoke(function, b"x")

    assert answer.cold
    assert launcher.launched[0].stopped


def test_there_are_never_more_than_the_limit(pool, launcher, function):
    with ThreadPoolExecutor(50) as threads:
        list(threads.map(lambda _: pool.invoke(function, b"x"), range(500)))

    assert 1 <= len(launcher.launched) <= CONCURRENCY


def test_an_invocation_without_a_free_environment_in_time_is_throttled(launcher, function):
    pool = Pool(launcher, wait_seconds=0)
    launcher.answers.clear()
    with ThreadPoolExecutor(CONCURRENCY) as threads:
        waiting = [threads.submit(pool.invoke, function, b"x") for _ in range(CONCURRENCY)]
        eventually(lambda: launcher.asked == CONCURRENCY)

        with pytest.raises(Throttled):
            pool.invoke(function, b"x")

        launcher.answers.set()
    assert all(answer.result() for answer in waiting)


def test_a_failed_start_frees_its_place(pool, launcher, function):
    def refuse(_function):
        raise OSError

    launcher.launch, launch = refuse, launcher.launch
    for _ in range(CONCURRENCY + 1):
        with pytest.raises(OSError):  # noqa: PT011 - the launcher's own error
            pool.invoke(function, b"x")

    launcher.launch = launch

    assert pool.invoke(function, b"x").cold


def test_stopping_stops_every_environment(pool, launcher, function):
    pool.invoke(function, b"x")

    pool.stop()

    assert launcher.launched[0].stopped


def test_an_environment_that_starts_during_the_stop_is_stopped_too(pool, launcher, function):
    pool.stop()

    pool.invoke(function, b"x")

    assert launcher.launched[0].stopped
