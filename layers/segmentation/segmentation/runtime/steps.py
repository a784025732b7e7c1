"""Run the steps of a scheduled function."""

from collections.abc import Callable

from segmentation.runtime.log import logger


def run_each(*steps: Callable[[], None]) -> None:
    """Run every step even if an earlier one fails. Otherwise one permanent failure would starve all later steps.

    Raises the first error at the end, so that the run counts as failed.
    """
    failures: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as error:
            logger.exception("a step of the run failed")
            failures.append(error)
    if failures:
        raise failures[0]
