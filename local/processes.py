"""Child processes. Each writes to a log file, and ends when this process ends."""

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
    """A part of the local run has ended, did not become ready, or cannot start."""


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
        """Return whether the command is still running."""
        with signals.deferred:
            return self.supervisor.poll() is None

    def ask_to_stop(self) -> None:
        """Send the stop signal, without waiting."""
        if self.supervisor.stdin:
            self.supervisor.stdin.close()

    def stop(self) -> None:
        """Stop the command, and return when it has ended."""
        self.ask_to_stop()
        self.supervisor.wait()

    def finish(self) -> None:
        """Wait for the end of the command, and raise ChildFailed if it failed. If interrupted, stop it."""
        try:
            if self.supervisor.wait():
                raise self.failure("failed")
        finally:
            self.stop()

    def failure(self, event: str) -> ChildFailed:
        """Return an error with the last lines of the log."""
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return ChildFailed("\n".join([f"{self.name} {event}; the end of {self.log}:", *lines]))


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
    """Start a command in the background. A stop is a signal, and after `grace_seconds` a kill.

    The command's output goes to the log. With `to_terminal`, only its standard error does.
    """
    guarded = [
        *(sys.executable, "-I", "-S", SUPERVISOR),
        *("--stop-signal", str(int(stop_signal)), "--grace-seconds", str(grace_seconds)),
        *(("--user", str(account.user), "--group", str(account.group)) if account else ()),
        *command,
    ]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output, signals.deferred:
        # A session of its own: Ctrl-C in the terminal reaches only this process, which stops the children in order.
        supervisor = subprocess.Popen(  # noqa: S603 - our own commands
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
    """Stop the commands at the same time, and return when all have ended."""
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.stop()


def wait_until_listening(child: Child, port: int, seconds: float = 120) -> None:
    """Return when the child accepts connections. Raise ChildFailed if it ends or takes too long.

    The limit is high, because the first start on a machine compiles SAM CLI.
    """
    deadline = time.monotonic() + seconds
    while not ports.listening(port):
        if not child.running():
            raise child.failure("ended")
        if time.monotonic() > deadline:
            raise child.failure(f"did not listen on port {port} within {seconds:.0f} s")
        time.sleep(0.02)
