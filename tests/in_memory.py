"""Temporary files in memory: the tests create, empty and remove thousands of files of databases."""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 -- only the folder of other temporary folders, whose names are random
ENOUGH_BYTES = 8 * 1024**3
"""More than all databases of a run of the tests need. In a container, the folder usually has 64 MiB."""


def use_memory() -> None:
    """Keep the temporary files of this process and its children in memory, if there is room and no other wish."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # it was looked up before
