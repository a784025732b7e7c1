"""How jobs get on, for the terminal: what their functions write into their logs, at most twice a second."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from local import banner, template
from local.queue_poller import KIND

LOOK_EVERY = 0.5


def start(logs: Path, of_template: Path) -> None:
    """Follow the logs of the functions that queues feed, each in a thread that ends with this process."""
    fed = {template.referred(each["FunctionName"]) for each in template.of_type(of_template, KIND).values()}
    for function in sorted(fed):
        threading.Thread(target=follow, args=(logs / f"{function}.log", banner.say), daemon=True).start()


def follow(log: Path, say: Callable[[str], None]) -> None:
    """Say what is new in a log for as long as this process lives."""
    position = 0
    while True:
        lines, position = read_on(log, position)
        for sentence in sentences(lines):
            say(sentence)
        time.sleep(LOOK_EVERY)


def read_on(log: Path, position: int) -> tuple[list[bytes], int]:
    """Return the whole lines behind a position, and the position behind them."""
    if not log.exists():
        return [], position
    with log.open("rb") as file:
        file.seek(position)
        whole, newline, _ = file.read().rpartition(b"\n")
    return whole.splitlines(), position + len(whole) + len(newline)


def sentences(lines: Iterable[bytes]) -> Iterator[str]:
    """Say of each job the last that the lines tell of it."""
    last = {line["job_id"]: line for line in map(parsed, lines) if "job_id" in line}
    for job_id, line in last.items():
        yield " ".join(("         job", job_id[:8], line.get("kind", ""), progress(line)))


def parsed(line: bytes) -> dict[str, Any]:
    """Read a line of the log; what is no JSON object tells of no job."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def progress(line: dict[str, Any]) -> str:
    """Word how far a job is."""
    if "seconds" in line:
        return f"succeeded, {line['seconds']} s after its order"
    if line.get("total"):
        return f"{line['done']} of {line['total']} ({100 * line['done'] // line['total']} %)"
    return str(line["message"]).removeprefix("job ")
