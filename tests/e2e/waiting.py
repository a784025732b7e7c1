"""Wait for a condition."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def eventually(condition: Callable[[], Found], seconds: float = 60) -> Found:
    """Return the first true result of the condition. The limit only ends a test that hangs."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition never became true"
        time.sleep(0.05)
    return found
