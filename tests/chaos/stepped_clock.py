"""A Postgres server whose clock a test can step, by libfaketime."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import postgres, programs

FAKETIME = programs.SERVERS.parent / "faketime"


class SteppedClock:
    """The distance between the clock of the server and that of the machine. The server reads it from a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.step_to(0)

    def step_to(self, seconds: int) -> None:
        unfinished = self._file.with_suffix(".unfinished")
        unfinished.write_text(f"{seconds:+d}")
        unfinished.chmod(0o644)
        unfinished.rename(self._file)

    def environment(self) -> dict[str, str]:
        """Return the environment of the server. Waits still use the right clock, as they do on a real machine."""
        return {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_RESET": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def library() -> str:
    """Return the library, as the loader takes it: of the unpacked package, or of the installed program."""
    for unpacked in FAKETIME.glob("usr/lib/*/faketime/libfaketime.so.1"):
        return str(unpacked)
    asked = [str(FAKETIME / "bin" / "faketime"), "-f", "+0", "printenv", "LD_PRELOAD"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 -- fixed


@pytest.fixture(scope="module")
def stepped_server(stepped_clock: SteppedClock) -> Iterator[postgres.Server]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(postgres, "ENVIRONMENT", postgres.ENVIRONMENT | stepped_clock.environment())
        with postgres.server() as server:
            yield server


@pytest.fixture(scope="module")
def stepped_clock() -> Iterator[SteppedClock]:
    with postgres.throw_away_directory() as directory:
        yield SteppedClock(directory / "clock")
