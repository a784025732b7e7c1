"""Concurrent writers by pgbench, so that the results do not include Python."""

import re
import statistics
import subprocess
import tempfile
from pathlib import Path

from local import programs, unprivileged

SECONDS = 4
WARM_UP_SECONDS = 2
"""In this time each connection plans its statements and touches its memory pages for the first time."""

FIGURE = re.compile(r"^progress: ([0-9.]+) s, ([0-9.]+) tps", re.MULTILINE)


def seconds_each(url: str, script: str, *, writers: int, users: int = 1, seconds: int = SECONDS) -> float:
    """Run a script repeatedly, and return the seconds per transaction over all writers after the warm-up."""
    program = programs.postgres(unprivileged.account()) / "pgbench"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "script.sql")
        path.write_text(script)
        done = subprocess.run(  # noqa: S603 -- Postgres's own program
            [
                *(program, "--no-vacuum", "--protocol=prepared", f"--client={writers}", f"--jobs={min(2, writers)}"),
                *(f"--time={WARM_UP_SECONDS + seconds}", "--progress=1", "--random-seed=42"),
                *(f"--define=users={users}", f"--file={path}", url),
            ],
            capture_output=True,
            text=True,
            timeout=WARM_UP_SECONDS + seconds + 60,
            check=True,
        )
    warm = [float(speed) for at, speed in FIGURE.findall(done.stderr) if float(at) > WARM_UP_SECONDS + 0.5]
    return 1 / statistics.mean(warm)
