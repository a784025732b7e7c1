"""Run one command that ends when its starter does, however the starter ends.

Started as a script by `local.processes`. The starter holds the other end of our standard input: when that
closes, because it asked for it or because it was killed, the command is stopped, and what the command itself
left behind is killed.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Run the command of the arguments, and answer its exit code."""
    options = parse_arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # a handler, unlike SIG_IGN, is not inherited by the command
    process_control(PR_SET_CHILD_SUBREAPER, 1)
    child = start(options)
    threading.Thread(target=stop_at_end_of_input, args=(child, options), daemon=True).start()
    code = child.wait()
    kill_orphans()
    return code if code >= 0 else 128 - code


def parse_arguments() -> argparse.Namespace:
    """Read how to stop the command, whose it is, and the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--stop-signal", type=int, required=True)
    parser.add_argument("--grace-seconds", type=float, required=True)
    parser.add_argument("--user", type=int)
    parser.add_argument("--group", type=int)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser.parse_args()


def start(options: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start the command as its user."""
    # preexec_fn is safe here: this process has one thread so far.
    return subprocess.Popen(  # noqa: S603 - the command is local.processes' own
        options.command,
        stdin=subprocess.DEVNULL,
        user=options.user,
        group=options.group,
        extra_groups=None if options.user is None else [],
        preexec_fn=lambda: process_control(PR_SET_PDEATHSIG, options.stop_signal),
    )


def stop_at_end_of_input(child: subprocess.Popen[bytes], options: argparse.Namespace) -> None:
    """Wait for the end of the standard input, then stop the command, patiently at first."""
    while os.read(0, 1024):
        pass
    child.send_signal(options.stop_signal)
    try:
        child.wait(options.grace_seconds)
    except subprocess.TimeoutExpired:
        child.kill()


def kill_orphans() -> None:
    """Kill the command's own children, which Linux hands to us when it ends; other systems do not."""
    while LINUX and (orphans := children_of(os.getpid())):
        for orphan in orphans:
            os.kill(orphan, signal.SIGKILL)
            os.waitpid(orphan, 0)


def children_of(parent: int) -> list[int]:
    """List the processes that a process has started or was handed."""
    return [int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if parent_of(stat) == parent]


def parent_of(stat: Path) -> int | None:
    """Read a process's parent, after its name, which may hold any character."""
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return None  # it ended while we looked


def process_control(option: int, value: int) -> None:
    """Set one of the things that Linux lets a process wish for itself."""
    if LINUX:
        ctypes.CDLL(None).prctl(option, value)


if __name__ == "__main__":
    sys.exit(main())
