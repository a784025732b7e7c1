"""The request log in the terminal. A thread of its own writes it, so that no request waits for a slow terminal."""

import atexit
import contextlib
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO
from urllib.parse import quote

MAX_PENDING = 10_000
"""How many lines may wait for a slow terminal. Further lines are dropped."""

COLOURS = {"2": "32", "3": "36", "4": "33", "5": "31"}
FLUSH_SECONDS = 1


class RequestLog:
    """Lines about requests, in colour if the output is a terminal."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stdout
        self.in_colour = self.out.isatty()
        self.lines: queue.Queue[Callable[[], str]] = queue.Queue(MAX_PENDING)
        threading.Thread(target=self.write, daemon=True).start()
        atexit.register(self.flush)

    def add(self, method: str, path: str, status: int, milliseconds: float, by: str) -> None:
        """Add a line about a request. The path is quoted, because a terminal obeys control characters."""
        moment = time.strftime("%H:%M:%S")
        line = f"{moment} {status} {method:6} {milliseconds:6.0f} ms  {quote(path, safe='/:@!$&(),;=~+')}  {by}"
        self.put(lambda: self.coloured(line, str(status)))

    def explain(self, cause: Callable[[], str]) -> None:
        """Add a line about the cause of a failure. `cause` runs in the thread, and may wait for a log file."""
        self.put(lambda: self.coloured(f"         {printable(cause())}", "5"))

    def put(self, line: Callable[[], str]) -> None:
        """Queue a line, or drop it if too many wait."""
        with contextlib.suppress(queue.Full):
            self.lines.put_nowait(line)

    def coloured(self, line: str, status: str) -> str:
        """Return a line in the colour of its status, if the output is a terminal."""
        colour = COLOURS.get(status[0])
        return f"\033[{colour}m{line}\033[0m" if colour and self.in_colour else line

    def write(self) -> None:
        """Write the queued lines until this process ends. Ignore a terminal that is gone."""
        while True:
            line = self.lines.get()
            with contextlib.suppress(OSError, ValueError):
                self.out.write(f"{line()}\n")
                self.out.flush()
            self.lines.task_done()

    def flush(self) -> None:
        """Wait until all lines are written, but not longer than a second."""
        deadline = time.monotonic() + FLUSH_SECONDS
        while self.lines.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)


def printable(text: str) -> str:
    """Replace the characters that a terminal would obey instead of showing them."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
