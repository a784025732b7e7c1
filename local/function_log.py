"""The lines that functions write into their logs."""

import json
import time
from pathlib import Path
from typing import Any

TAIL_BYTES = 256 * 1024
WAIT_SECONDS = 1.0
PAUSE_SECONDS = 0.05


def members_of(line: bytes) -> dict[str, Any]:
    """Return the members of a line. A line that is not a JSON object has none."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def wait_for_exception(log: Path, request_id: str) -> str | None:
    """Return the last line of the traceback of a request. The log may get it a moment after the response."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := find_exception(log, request_id)) is None and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    return found


def find_exception(log: Path, request_id: str) -> str | None:
    """Search the end of a log for the traceback of a request, and return its last line."""
    for line in reversed(tail(log)):
        members = members_of(line)
        if members.get("request_id") == request_id and "exception" in members:
            return str(members["exception"]).splitlines()[-1]
    return None


def tail(log: Path) -> list[bytes]:
    """Return the last lines of a log. The first of them may be incomplete."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        return file.read().splitlines()
