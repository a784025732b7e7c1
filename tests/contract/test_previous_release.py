"""The functions of the previous release import from this layer.

Lambda gives a function its new layer and its new code one after the other. A name of the layer is therefore added in
one release and taken away in a later one.
"""

import io
import json
import subprocess
import sys
import tarfile

import pytest

from local.settings import ROOT
from tests.upgrade import previous

VERSION = "layers/segmentation/segmentation/contract/version.py"
IMPORT_ALL = """
import importlib, json, pathlib, sys
failures = {}
for path in sorted(pathlib.Path("functions").glob("*/app.py")):
    try:
        importlib.import_module(f"functions.{path.parent.name}.app").handler
    except Exception as error:
        failures[path.parent.name] = f"{type(error).__name__}: {error}"
print(json.dumps([len(list(pathlib.Path("functions").glob("*/app.py"))), failures]))
"""


@pytest.fixture(scope="module")
def release():
    """The commit that gave the newest version its number, or the commit that UPGRADE_FROM names."""
    try:
        if previous.git("rev-parse", "--is-shallow-repository").strip() == b"true":
            pytest.skip("this clone is shallow: `git fetch --unshallow` fetches the previous release")
        return previous.COMMIT or previous.git("log", "-1", "--format=%H", "--", VERSION).decode().strip()
    except previous.NoHistory:
        pytest.skip("there is no git here, or no history")


def test_every_function_of_the_previous_release_imports_from_this_layer(release, tmp_path):
    with tarfile.open(fileobj=io.BytesIO(previous.git("archive", release, "functions"))) as archive:
        archive.extractall(tmp_path, filter="data")
    path = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT / 'layers' / 'segmentation')!r}]\n"

    answer = subprocess.run(  # noqa: S603 -- this interpreter
        [sys.executable, "-P", "-B", "-c", path + IMPORT_ALL], cwd=tmp_path, check=True, capture_output=True
    )

    number, failures = json.loads(answer.stdout)
    assert number > 20
    assert failures == {}
