"""Local S3: rclone, which checks signatures and their expiry as AWS does."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from local import ports, processes, programs
from local.processes import Child
from local.settings import CREDENTIALS

KIND = "AWS::S3::Bucket"


def bucket(name: str) -> str:
    """Return the name of the template's bucket here: ReportsBucket is reports-bucket."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def start(port: int, folder: Path, buckets: Iterable[str], log: Path) -> Child:
    """Serve the folder; each folder in it is a bucket."""
    for name in buckets:
        (folder / name).mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [
        *(programs.rclone(), "serve", "s3", folder, "--config", os.devnull),
        *("--addr", f"{ports.HOST}:{port}", "--auth-key", ",".join(CREDENTIALS)),
        # What another program puts into the folder, or takes out, is seen at once. Not 0: from the first folder that
        # it removes on, rclone would look what to forget again and again without a pause, and keep a processor busy.
        *("--dir-cache-time", "1ms"),
    ]
    return processes.start("S3", command, log=log, environment={"PATH": os.defpath})
