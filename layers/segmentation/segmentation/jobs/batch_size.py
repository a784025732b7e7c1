"""The number of rows of a job's next batch."""

from collections.abc import Callable
from typing import TypeVar

from psycopg import errors

from segmentation.runtime.log import logger

SHRINKING = 8
"""Few steps lead to one row, because each costs a whole statement timeout."""

Result = TypeVar("Result")


class BatchSize:
    """The size of the next batch. A batch that meets the statement timeout is tried again with fewer rows."""

    def __init__(self, most: int) -> None:
        """Begin with the largest size."""
        self.rows = most

    def fit(self, run: Callable[[int], Result]) -> Result:
        """Run a batch with as many rows as fit in the statement timeout. Raises QueryCanceled if not even one does."""
        while True:
            try:
                return run(self.rows)
            except errors.QueryCanceled:
                if self.rows == 1:
                    raise
                self.rows = max(1, self.rows // SHRINKING)
                logger.warning("a batch met the statement timeout", next_rows=self.rows)
