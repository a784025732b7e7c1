"""Whatever a client sends, the service answers as its document says: half a minute of it, longer by `make fuzz`."""

import os
import subprocess

from local.settings import INSTALLED, ROOT

SECONDS = os.environ.get("FUZZ_SECONDS")
BOUNDED = ["--max-time", "45", "--max-examples", "10", "--seed", "1"]


def test_schemathesis_finds_nothing(base_url):
    limits = ["--max-time", SECONDS] if SECONDS else BOUNDED
    config = ROOT / "tests" / "api" / "schemathesis.toml"

    # one worker: on Python 3.11 a second thread lets the compiler lose count of its recursion
    command = [INSTALLED / "api" / "bin" / "st", "--config-file", config, "run", f"{base_url}/openapi.json", "-w", "1"]
    done = subprocess.run(  # noqa: S603 -- our own pinned tool
        [*command, *limits],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers" / "segmentation")])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
