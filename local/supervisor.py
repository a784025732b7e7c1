"""Run a command, and stop it when the process that started it ends, even by a kill.

`local.processes` starts this script, and holds the other end of its standard input. The input closes when that
process requests a stop, or when it is killed. Then the supervisor stops the command, and kills the processes that
the command has left.
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
    """Run the command of the arguments, and return its exit code."""
    options = parse_arguments()
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # unlike SIG_IGN, the command does not inherit a handler
    process_control(PR_SET_CHILD_SUBREAPER, 1)
    child = start(options)
    threading.Thread(target=stop_at_end_of_input, args=(child, options), daemon=True).start()
    code = child.wait()
    kill_orphans()
    return code if code >= 0 else 128 - code


def parse_arguments() -> argparse.Namespace:
    """Read the command, its user, and how to stop it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--stop-signal", type=int, required=True)
    parser.add_argument("--grace-seconds", type=float, required=True)
    parser.add_argument("--user", type=int)
    parser.add_argument("--group", type=int)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser.parse_args()


def start(options: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start the command as its user."""
    # preexec_fn is safe here, because this process has only one thread so far.
    return subprocess.Popen(  # noqa: S603 - the command is local.processes' own
        options.command,
        stdin=subprocess.DEVNULL,
        user=options.user,
        group=options.group,
        extra_groups=None if options.user is None else [],
        preexec_fn=lambda: process_control(PR_SET_PDEATHSIG, options.stop_signal),
    )


def stop_at_end_of_input(child: subprocess.Popen[bytes], options: argparse.Namespace) -> None:
    """Wait for the end of the standard input, then stop the command. Kill it after the grace period."""
    while os.read(0, 1024):
        pass
    child.send_signal(options.stop_signal)
    try:
        child.wait(options.grace_seconds)
    except subprocess.TimeoutExpired:
        child.kill()


def kill_orphans() -> None:
    """Kill the command's orphaned children. Only Linux makes them children of this process."""
    while LINUX and (orphans := children_of(os.getpid())):
        for orphan in orphans:
            os.kill(orphan, signal.SIGKILL)
            os.waitpid(orphan, 0)


def children_of(parent: int) -> list[int]:
    """List the children of a process, adopted orphans included."""
    return [int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if parent_of(stat) == parent]


def parent_of(stat: Path) -> int | None:
    """Return a process's parent. Its id follows the name, which may contain any character."""
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return None  # it has ended in the meantime


def process_control(option: int, value: int) -> None:
    """Set a process attribute, on Linux only."""
    if LINUX:
        ctypes.CDLL(None).prctl(option, value)


if __name__ == "__main__":
    sys.exit(main())
