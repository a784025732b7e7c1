"""Child processes that write to a log file and never outlive us."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import ports, signals

SUPERVISOR = Path(__file__).with_name("supervisor.py")
LOG_LINES = 20


class ChildFailed(Exception):
    """A part of the local run ended or never became ready."""


@dataclass(frozen=True)
class Account:
    """The system user that a command runs as."""

    name: str
    user: int
    group: int


@dataclass(frozen=True)
class Child:
    """A running command and its log."""

    name: str
    log: Path
    supervisor: subprocess.Popen[bytes]

    def running(self) -> bool:
        """Tell whether the command still runs."""
        with signals.deferred:
            return self.supervisor.poll() is None

    def ask_to_stop(self) -> None:
        """Send the stop signal, without waiting."""
        if self.supervisor.stdin:
            self.supervisor.stdin.close()

    def stop(self) -> None:
        """Stop the command and return when it is gone."""
        self.ask_to_stop()
        self.supervisor.wait()

    def failure(self, what: str) -> ChildFailed:
        """Say what went wrong, with the end of the log."""
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return ChildFailed("\n".join([f"{self.name} {what}; the end of {self.log}:", *lines]))


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str],
    account: Account | None = None,
    directory: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    grace_seconds: float = 5,
    to_terminal: bool = False,
) -> Child:
    """Start a command in the background; it gets `grace_seconds` seconds between the stop signal and the kill.

    What it writes goes to the log; with `to_terminal`, only its errors do.
    """
    guarded = [
        *(sys.executable, "-I", "-S", SUPERVISOR),
        *("--stop-signal", str(int(stop_signal)), "--grace-seconds", str(grace_seconds)),
        *(("--user", str(account.user), "--group", str(account.group)) if account else ()),
        *command,
    ]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output, signals.deferred:
        # A session of its own: Ctrl-C in the terminal is for us alone, who stop the children in order.
        supervisor = subprocess.Popen(  # noqa: S603 - the commands are our own
            guarded,
            stdin=subprocess.PIPE,
            stdout=None if to_terminal else output,
            stderr=output,
            env=dict(environment),
            cwd=directory,
            start_new_session=True,
        )
    return Child(name, log, supervisor)


def stop_all(children: Sequence[Child]) -> None:
    """Stop the commands at once, and return when all are gone."""
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.stop()


def wait_until_listening(child: Child, port: int, seconds: float = 120) -> None:
    """Return once the child accepts connections, or raise what became of it.

    The first start on a slow machine compiles all of SAM CLI first.
    """
    deadline = time.monotonic() + seconds
    while not ports.listening(port):
        if not child.running():
            raise child.failure("ended")
        if time.monotonic() > deadline:
            raise child.failure(f"did not listen on port {port} within {seconds:.0f} s")
        time.sleep(0.02)
