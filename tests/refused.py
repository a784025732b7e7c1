"""Clients whose request a lock has refused."""

from collections.abc import Callable
from functools import partial
from typing import Any

from psycopg import errors

from segmentation.runtime.retry import retry


def repeated(work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Do work that a lock may refuse (503), and repeat it as a client does.

    A session that changes a percent again and again, without a pause, can keep others from a lock beyond its timeout.
    """
    return retry(partial(work, *arguments, **options), on=errors.LockNotAvailable, pauses=(0.2,) * 10)
