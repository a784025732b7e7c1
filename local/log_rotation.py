"""The size limit of the log files."""

import os
import shutil
from pathlib import Path

LIMIT_BYTES = 10_000_000


def rotate(folder: Path) -> None:
    """Copy each log that is too large to `NAME.log.1`, and empty it.

    Child processes keep their logs open for appending, so they go on at the new end of the file. A line that is
    written between the copy and the truncation is lost.
    """
    for log in folder.glob("*.log"):
        if log.stat().st_size > LIMIT_BYTES:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)
