"""The progress of jobs in the terminal, read from the logs of their functions at most twice a second."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from local import banner, function_log, template
from local.queue_poller import KIND

LOOK_EVERY = 0.5


def start(logs: Path, of_template: Path) -> None:
    """Follow the logs of the functions that queues feed. Each log has a thread, which ends with this process."""
    fed = {template.referred(each["FunctionName"]) for each in template.of_type(of_template, KIND).values()}
    for function in sorted(fed):
        threading.Thread(target=follow, args=(logs / f"{function}.log", banner.say), daemon=True).start()


def follow(log: Path, say: Callable[[str], None]) -> None:
    """Print the progress that a log reports, until this process ends."""
    position = 0
    while True:
        lines, position = read_on(log, position)
        for sentence in sentences(lines):
            say(sentence)
        time.sleep(LOOK_EVERY)


def read_on(log: Path, position: int) -> tuple[list[bytes], int]:
    """Return the complete lines after a position, and the position after them. A log that was emptied starts again."""
    if not log.exists():
        return [], position
    with log.open("rb") as file:
        if log.stat().st_size < position:
            position = 0
        file.seek(position)
        whole, newline, _ = file.read().rpartition(b"\n")
    return whole.splitlines(), position + len(whole) + len(newline)


def sentences(lines: Iterable[bytes]) -> Iterator[str]:
    """Yield a sentence for each job: the last progress in the lines."""
    last = {line["job_id"]: line for line in map(function_log.members_of, lines) if "job_id" in line}
    for job_id, line in last.items():
        yield " ".join(("         job", job_id[:8], line.get("kind", ""), progress(line)))


def progress(line: dict[str, Any]) -> str:
    """Return the progress of a job in words."""
    if "seconds" in line:
        return f"succeeded, {line['seconds']} s after its order"
    if line.get("total"):
        return f"{line['done']} of {line['total']} ({100 * line['done'] // line['total']} %)"
    return str(line["message"]).removeprefix("job ")
