"""Local S3: rclone. Like AWS, it checks signatures and their expiry."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from local import ports, processes, programs
from local.processes import Child
from local.settings import CREDENTIALS

KIND = "AWS::S3::Bucket"


def bucket(name: str) -> str:
    """Return the local name of the template's bucket: ReportsBucket is reports-bucket."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def start(port: int, folder: Path, buckets: Iterable[str], log: Path) -> Child:
    """Serve the folder. Each folder in it is a bucket."""
    for name in buckets:
        (folder / name).mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [
        *(programs.rclone(), "serve", "s3", folder, "--config", os.devnull),
        *("--addr", f"{ports.HOST}:{port}", "--auth-key", ",".join(CREDENTIALS)),
        *("--allow-origin", "*"),  # pages read files by signed links, as the bucket's CORS configuration permits
        # Changes of the folder by other programs are visible at once. With a time of 0, rclone would check its cache
        # without a pause after it removes the first folder, and keep a processor busy.
        *("--dir-cache-time", "1ms"),
    ]
    return processes.start("S3", command, log=log, environment={"PATH": os.defpath})
