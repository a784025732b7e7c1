"""The size of the layer for Lambda's processor: zipped for the upload, and unzipped."""

import os
import subprocess
import tempfile
import zipfile
from pathlib import Path

from benchmarks.databases import Databases
from benchmarks.results import Section, figure
from benchmarks.timing import Say

LAYER = Path(__file__).parent.parent / "layers" / "segmentation"
MEGABYTE = 1_000_000


def run(databases: Databases, *, scale: float, rounds: int, say: Say) -> Section:
    """Build the layer as a deployment does, and measure its size."""
    say("  building the layer")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder, "layer")
        subprocess.run(
            ["make", "--silent", "--makefile", "../Makefile", "build-SegmentationLayer"],  # noqa: S607 -- as sam build finds it
            cwd=LAYER,
            env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
            | {"ARTIFACTS_DIR": str(built)},
            capture_output=True,  # pip prints the places of its search
            check=True,
        )
        files = [path for path in built.rglob("*") if path.is_file()]
        archive = Path(folder, "layer.zip")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in files:
                packed.write(path, path.relative_to(built))
        zipped, unzipped = archive.stat().st_size, sum(path.stat().st_size for path in files)
    say(f"  {zipped / MEGABYTE:.1f} MB zipped, {unzipped / MEGABYTE:.1f} MB unzipped")
    return Section(
        "Layer size",
        ["For arm64. If Python 3.13 is available, the layer is precompiled, which adds about a quarter."],
        [
            figure("layer, zipped", zipped / MEGABYTE, "MB", 12),
            figure("layer, unzipped", unzipped / MEGABYTE, "MB", 45),
        ],
    )
