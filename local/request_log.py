"""The request log in the terminal, written by a thread of its own: no request waits for a slow terminal."""

import atexit
import contextlib
import queue
import sys
import threading
import time
from typing import TextIO
from urllib.parse import quote

MAX_PENDING = 10_000
"""Lines that wait at most; where the terminal is slower than that, lines are lost and no request is held up."""

COLOURS = {"2": "32", "3": "36", "4": "33", "5": "31"}
FLUSH_SECONDS = 1


class RequestLog:
    """Lines about requests, in colour where somebody looks."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stdout
        self.in_colour = self.out.isatty()
        self.lines: queue.Queue[str] = queue.Queue(MAX_PENDING)
        threading.Thread(target=self.write, daemon=True).start()
        atexit.register(self.flush)

    def add(self, method: str, path: str, status: int, milliseconds: float, by: str) -> None:
        """Write a line about a request soon; its path is quoted, as a terminal obeys what it reads."""
        moment = time.strftime("%H:%M:%S")
        line = f"{moment} {status} {method:6} {milliseconds:6.0f} ms  {quote(path, safe='/:@!$&(),;=~+')}  {by}"
        with contextlib.suppress(queue.Full):
            self.lines.put_nowait(self.coloured(line, str(status)))

    def coloured(self, line: str, status: str) -> str:
        """Colour a line by its status, for eyes only."""
        colour = COLOURS.get(status[0])
        return f"\033[{colour}m{line}\033[0m" if colour and self.in_colour else line

    def write(self) -> None:
        """Write what comes for as long as this process lives; nobody has to read it."""
        while True:
            line = self.lines.get()
            with contextlib.suppress(OSError, ValueError):
                self.out.write(f"{line}\n")
                self.out.flush()
            self.lines.task_done()

    def flush(self) -> None:
        """Return when all is written, or the terminal takes too long."""
        deadline = time.monotonic() + FLUSH_SECONDS
        while self.lines.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)
