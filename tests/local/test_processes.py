"""Child processes that never outlive their starter."""

import os
import signal
import subprocess
import sys
import time
from threading import Thread

import pytest

from local import processes, signals, supervisor
from local.settings import ROOT
from tests.stopwatch import Stopwatch

STUBBORN = "trap '' TERM INT; echo started; while :; do sleep 0.1; done"
LEAVES_A_CHILD = "setsid sleep 60 & echo $!; wait"


@pytest.fixture
def start(tmp_path):
    started = []

    def start_shell(script, **options):
        child = processes.start(
            "A shell", ["/bin/sh", "-c", script], log=tmp_path / "log", environment={"PATH": os.defpath}, **options
        )
        started.append(child)
        return child

    yield start_shell
    processes.stop_all(started)


@pytest.fixture
def _listening():
    before = {number: signal.getsignal(number) for number in signals.STOPPING}
    signals.listen()
    yield
    signals.deferred.stop_requested = False
    for number, handler in before.items():
        signal.signal(number, handler)


class Interrupted:
    """A lock that raises a signal as soon as it is acquired."""

    def __init__(self, lock):
        self.lock = lock

    def acquire(self, *arguments):
        taken = self.lock.acquire(*arguments)
        signal.raise_signal(signal.SIGTERM)
        return taken

    def release(self):
        self.lock.release()


def first_output(child):
    """Return the child's first output."""
    deadline = time.monotonic() + 60
    while not (text := child.log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return text.strip()


def alive(process):
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_stops_on_request(start):
    child = start("exec sleep 60")

    child.stop()

    assert not child.running()


def test_a_child_that_ignores_the_signal_is_killed(start):
    child = start(STUBBORN, grace_seconds=0.2)
    first_output(child)

    child.stop()

    assert not child.running()


def test_a_child_gets_its_own_stop_signal(start):
    script = "trap 'echo interrupted; exit' INT; echo ready; while :; do sleep 0.05; done"
    child = start(script, stop_signal=signal.SIGINT)
    first_output(child)

    child.stop()

    assert child.log.read_text().split() == ["ready", "interrupted"]


def test_a_child_gets_a_stop_signal_that_its_starter_ignores(start):
    """A shell without job control, as of a script, starts a command in the background so."""
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    try:
        child = start("echo ready; exec sleep 60", stop_signal=signal.SIGQUIT, grace_seconds=60)
    finally:
        signal.signal(signal.SIGQUIT, before)
    first_output(child)

    with Stopwatch() as stopwatch:
        child.stop()

    assert stopwatch.seconds < 30


@pytest.mark.skipif(not supervisor.LINUX, reason="only Linux lets a process adopt orphans")
def test_the_orphans_of_a_child_are_killed(start):
    child = start(LEAVES_A_CHILD)
    orphan = first_output(child)

    child.stop()

    assert not alive(orphan)


def test_a_child_does_not_outlive_a_killed_starter(tmp_path):
    log = tmp_path / "log"
    starter = subprocess.Popen([sys.executable, "-c", STARTER, log], cwd=ROOT)  # noqa: S603 - the text below
    deadline = time.monotonic() + 60
    while not log.exists() or not log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)

    starter.kill()
    starter.wait()

    while alive(log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


STARTER = """
import pathlib, sys, time
from local import processes
processes.start("A shell", ["/bin/sh", "-c", "echo $$; exec sleep 60"], log=pathlib.Path(sys.argv[1]), environment={})
time.sleep(60)
"""


def test_a_failure_shows_the_end_of_the_log(start):
    child = start("seq 100; echo no space left >&2; exit 1")
    child.supervisor.wait(60)

    failure = str(child.failure("ended"))

    assert failure.startswith(f"A shell ended; the end of {child.log}:")
    assert failure.endswith("99\n100\nno space left")
    assert "\n80\n" not in failure


def test_the_exit_code_is_the_commands(start):
    child = start("exit 7")

    assert child.supervisor.wait(60) == 7


def test_waiting_for_a_port_ends_when_the_child_does(start):
    child = start("echo cannot listen; exit 1")

    with pytest.raises(processes.ChildFailed, match="cannot listen"):
        processes.wait_until_listening(child, 1)


@pytest.mark.usefixtures("_listening")
def test_a_signal_during_a_check_does_not_block_the_stop(start):
    child = start("exec sleep 60")
    its_lock = child.supervisor._waitpid_lock
    child.supervisor._waitpid_lock = Interrupted(its_lock)

    assert child.running()

    child.supervisor._waitpid_lock = its_lock
    stopping = Thread(target=child.stop, daemon=True)
    stopping.start()
    stopping.join(10)
    assert not stopping.is_alive()


@pytest.mark.usefixtures("_listening")
def test_a_signal_during_a_start_is_raised_at_the_next_check(start, monkeypatch):
    class Watched(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", Watched)

    child = start("exec sleep 60")

    with pytest.raises(signals.StopRequested):
        child.running()
