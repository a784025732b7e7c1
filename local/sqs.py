"""Local SQS: moto's server. Its queues exist only as long as it runs."""

import os
import sys
from pathlib import Path

from local import ports, processes
from local.processes import Child


def start(port: int, log: Path, environment: dict[str, str]) -> Child:
    """Serve SQS on the port."""
    server = Path(sys.executable).with_name("moto_server")
    command: list[str | Path] = [server, "--host", ports.HOST, "--port", str(port)]
    return processes.start("SQS", command, log=log, environment={"PATH": os.defpath} | environment)
