"""The stopwatch of the tests counts waits, and leaves out the stalls of a busy machine."""

import signal
import subprocess
import sys
import time

from local.settings import ROOT

WAIT = """
import sys, time
from tests.stopwatch import Stopwatch

with Stopwatch() as stopwatch:
    time.sleep(0.3)
    print("waited", flush=True)
    sys.stdin.readline()
print(stopwatch.seconds)
"""
STALL_SECONDS = 1.5


def test_a_wait_counts_and_a_stall_does_not():
    with subprocess.Popen(  # noqa: S603 -- the text above
        [sys.executable, "-c", WAIT], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "waited\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(STALL_SECONDS)
        process.send_signal(signal.SIGCONT)
        told, _ = process.communicate("\n")

    assert 0.05 < float(told) < STALL_SECONDS
