"""Start load clients for a local run: locust, in its own environment and process."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local import ports
from local.settings import INSTALLED, ROOT
from tests.e2e.conftest import LocalRun
from tests.e2e.waiting import eventually
from tests.load.findings import Findings

DAY = Path(__file__).with_name("day.py")
BEGIN_SECONDS = 60
LAST_REQUESTS_SECONDS = 150


@dataclass(frozen=True)
class Clients:
    """Running clients, which stop by themselves."""

    process: subprocess.Popen[str]
    seconds: float
    begun: Path
    written: Path

    def wait_until_begun(self) -> None:
        eventually(self.begun.exists, BEGIN_SECONDS)

    def findings(self) -> Findings:
        """Wait for the end of the clients, and return their findings."""
        try:
            output, _ = self.process.communicate(timeout=self.seconds + 2 * LAST_REQUESTS_SECONDS)
        finally:
            self.process.kill()  # has no effect on an ended process
        assert self.process.returncode == 0, output
        assert "Traceback" not in output, output
        return Findings.read(self.written)


def send(run: LocalRun, *, clients: int, seconds: float, people: int, crowd: bool = False) -> Clients:
    """Start all clients at once, for some seconds. Each client finishes its current task."""
    begun, written = run.state / "begun", run.state / "findings.json"
    for left_over in (begun, written):
        left_over.unlink(missing_ok=True)
    options = {
        "locustfile": DAY,
        "host": f"http://{ports.HOST}:{run.port}",
        "users": clients,
        "spawn-rate": clients,
        "seconds": seconds,
        "stop-timeout": LAST_REQUESTS_SECONDS,
        "loglevel": "WARNING",
        "people": people,
        "begun": begun,
        "findings": written,
    }
    process = subprocess.Popen(  # noqa: S603 - our own
        [
            INSTALLED / "load" / "bin" / "locust",
            *("--headless", "--only-summary", "--exit-code-on-error", "0", *["--crowd"] * crowd),
            *(word for name, value in options.items() for word in (f"--{name}", str(value))),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=run.state,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Clients(process, seconds, begun, written)
