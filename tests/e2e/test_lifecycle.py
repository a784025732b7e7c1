"""Starting and stopping the local run."""

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from local import ports, supervisor
from tests.e2e.process_tree import command_line, descendants, read
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.skipif(not supervisor.LINUX, reason="finds processes in /proc")


def busy(run):
    """Start execution environments, and return the processes of the run."""
    httpx.get(f"http://localhost:{run.port}/health", timeout=60, trust_env=False).raise_for_status()
    return descendants(run.process.pid)


def wait_until_gone(processes, seconds=60):
    deadline = time.monotonic() + seconds
    while left := [process for process in processes if alive(process)]:
        assert time.monotonic() < deadline, [command_line(process) for process in left]
        time.sleep(0.05)


def alive(process):
    """Return whether a process runs. A zombie does not."""
    stat = read(process, "stat").decode()
    return bool(stat) and stat.rpartition(")")[2].split()[0] != "Z"


def processor_seconds(process):
    """Return the processor time of a process and of its children that have ended."""
    fields = read(process, "stat").decode().rpartition(")")[2].split()[11:15]
    return sum(map(int, fields)) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def with_terminal():
    """Make the started run receive SIGHUP, even if nohup made the tests ignore it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_stops_every_process(start, state, with_terminal, number):
    run = start(state)
    run.wait_until_ready()
    processes = busy(run)

    run.process.send_signal(number)

    assert run.process.wait(60) == 0
    assert len(processes) > 8
    wait_until_gone(processes)
    assert "Traceback" not in run.output


def test_a_signal_while_starting_stops_every_process(start, state):
    run = start(state)
    eventually(lambda: len(descendants(run.process.pid)) >= 4)
    processes = descendants(run.process.pid)

    run.process.send_signal(signal.SIGINT)

    assert run.process.wait(60) == 0
    wait_until_gone(processes)


def test_a_killed_run_leaves_no_process_and_loses_no_data(start, state):
    run = start(state)
    run.wait_until_ready()
    httpx.post(
        f"http://localhost:{run.port}/segment", json={"slug": "KEPT"}, timeout=60, trust_env=False
    ).raise_for_status()
    processes = busy(run)

    run.process.kill()

    wait_until_gone(processes)
    again = start(state)
    again.wait_until_ready()
    assert httpx.get(f"http://localhost:{again.port}/segment/KEPT", timeout=60, trust_env=False).status_code == 200


def test_only_a_run_with_an_empty_database_shows_examples(start, state):
    first = start(state)
    first.wait_until_ready()
    httpx.post(f"http://localhost:{first.port}/user", timeout=60, trust_env=False).raise_for_status()
    first.stop()
    printed = first.output

    second = start(state)

    second.wait_until_ready()
    assert f"http://localhost:{first.port}/docs" in printed
    assert ("Try, " in printed, "Try, " in second.output) == (True, False)


def test_the_second_start_takes_less_than_ten_seconds_of_processor_time(start, state):
    def seconds():
        run = start(state)
        run.wait_until_ready()
        took = sum(map(processor_seconds, [run.process.pid, *descendants(run.process.pid)]))
        run.stop()
        return took

    seconds()

    assert seconds() < 10


@pytest.mark.parametrize("offset", range(4))
def test_a_taken_port_is_named_before_anything_starts(start, state, offset):
    with socket.create_server((ports.HOST, 0)) as server:
        taken = server.getsockname()[1]

        run = start(state, taken - offset)

        assert run.process.wait(60) == 1
    assert f"{taken} (for " in run.output
    assert not (state / "data").exists()


def test_a_second_run_in_the_same_folder_is_refused(start, state):
    first = start(state)
    eventually((state / "data").exists)

    second = start(state)

    assert second.process.wait(60) == 1
    assert f"Already running here, as process {first.process.pid}." in second.output


def test_a_part_that_fails_at_the_start_ends_the_run(start, state):
    (state / "data").mkdir()
    (state / "data" / "s3").write_text("not a folder")

    run = start(state)

    assert run.process.wait(60) == 1
    assert "s3" in run.output


def test_a_part_that_is_killed_ends_the_run(start, state):
    run = start(state)
    run.wait_until_ready()
    processes = descendants(run.process.pid)
    rclone = next(process for process in processes if b"rclone\0" in command_line(process))

    os.kill(rclone, signal.SIGKILL)

    assert run.process.wait(60) == 1
    assert "S3 ended; the end of" in run.output
    wait_until_gone(processes)


def test_the_functions_also_run_without_awss_runtime_client(start, state):
    run = start(state, None, "--worker")

    run.wait_until_ready()

    answer = httpx.get(f"http://localhost:{run.port}/health", timeout=60, trust_env=False)
    assert answer.json()["status"] == "ok"


def test_bad_options_are_refused_with_the_usage():
    done = subprocess.run([sys.executable, "-m", "local", "--port", "many"], capture_output=True, text=True)

    assert done.returncode == 2
    assert "usage:" in done.stderr
