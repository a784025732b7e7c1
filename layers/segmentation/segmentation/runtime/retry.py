"""Retry work after a temporary failure."""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

Result = TypeVar("Result")


def retry(
    work: Callable[[], Result],
    *,
    on: type[Exception] | tuple[type[Exception], ...],
    pauses: Iterable[float],
    on_failure: Callable[[Exception], None] = lambda error: None,
) -> Result:
    """Call work until it succeeds, and sleep one pause (in seconds) after each failed try.

    The number of pauses is the number of retries. The last try raises its error.
    """
    for pause in pauses:
        try:
            return work()
        except on as error:
            on_failure(error)
            time.sleep(pause)
    return work()
