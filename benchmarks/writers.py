"""Many writers at once, by pgbench, so that Python is not what is measured."""

import re
import subprocess
import tempfile
from pathlib import Path

from local import programs, unprivileged

SECONDS = 4
FIGURE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


def seconds_each(url: str, script: str, *, writers: int, users: int = 1, seconds: int = SECONDS) -> float:
    """Run a script over and over for some seconds, and return the seconds a transaction takes of the whole."""
    program = programs.postgres(unprivileged.account()) / "pgbench"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "script.sql")
        path.write_text(script)
        done = subprocess.run(  # noqa: S603 -- Postgres's own program
            [
                *(program, "--no-vacuum", "--protocol=prepared", f"--client={writers}", f"--jobs={min(2, writers)}"),
                *(f"--time={seconds}", f"--define=users={users}", "--random-seed=42", f"--file={path}", url),
            ],
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=True,
        )
    return 1 / float(FIGURE.findall(done.stdout)[0])
