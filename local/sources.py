"""When the code of a function last changed."""

import functools
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LOOK_EVERY = 0.1


def changed_at(*folders: Path) -> int:
    """Return the latest change, in nanoseconds since 1970; it may be noticed a moment late."""
    moment = int(time.monotonic() / LOOK_EVERY)
    return max(newest(folder, moment) for folder in folders)


@functools.lru_cache(maxsize=64)
def newest(folder: Path, moment: int) -> int:
    """Look through the folder, once a moment: a built layer has thousands of files."""
    return max(changes(str(folder)), default=0)


def changes(folder: str) -> Iterator[int]:
    """Yield when each file and folder changed, removals included: they change their folder."""
    yield os.stat(folder).st_mtime_ns
    for entry in os.scandir(folder):
        # gone by now, or a link that leads nowhere, as Emacs makes beside what it edits
        with suppress(FileNotFoundError):
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from changes(entry.path)
            else:
                yield entry.stat().st_mtime_ns
