"""The time of the last change of a function's code."""

import functools
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LOOK_EVERY = 0.1


def changed_at(*folders: Path) -> int:
    """Return the time of the last change, in nanoseconds since 1970. A change counts after a tenth of a second."""
    moment = int(time.monotonic() / LOOK_EVERY)
    return max(newest(folder, moment) for folder in folders)


@functools.lru_cache(maxsize=64)
def newest(folder: Path, moment: int) -> int:
    """Return the time of the last change in a folder. It is cached, because a built layer has thousands of files."""
    return max(changes(str(folder)), default=0)


def changes(folder: str) -> Iterator[int]:
    """Yield the change times of all files and folders. A removal changes the time of its folder."""
    yield os.stat(folder).st_mtime_ns
    for entry in os.scandir(folder):
        # removed in the meantime, or a link without a target, as Emacs makes beside an edited file
        with suppress(FileNotFoundError):
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from changes(entry.path)
            else:
                yield entry.stat().st_mtime_ns
