"""The output of `sam build` is complete: with it and Lambda's own SDK alone, every handler can be imported."""

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.tags import platform_tags

PROJECT = Path(__file__).parents[2]
SQL = Path("layers/segmentation/segmentation/database/sql")
FUNCTIONS = sorted(path.parent.name for path in PROJECT.glob("functions/*/app.py"))
LAYERS = ["SegmentationLayer", "CryptographyLayer"]
UNZIPPED_MEGABYTES = 45
AARCH64 = 183
"""The number of the architecture in an ELF header."""

RUNTIME = next((PROJECT / ".local" / "runtime" / "lib").glob("python*/site-packages"))
THIS_MACHINE = {
    "LAYER_PYTHON": f"{sys.version_info.major}.{sys.version_info.minor}",
    "LAYER_PLATFORMS": " ".join(platform_tags()),
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # finds the interpreter that compiles
}


def build_layer(folder, name="SegmentationLayer", **target):
    subprocess.run(  # noqa: S603 -- our own names
        ["make", "--silent", "--makefile", "../Makefile", f"build-{name}"],  # noqa: S607 -- as sam build finds it
        cwd=PROJECT / "layers" / name.removesuffix("Layer").lower(),
        env={**os.environ, **target, "ARTIFACTS_DIR": str(folder)},
        check=True,
    )
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The inputs of a build, in a folder with a space in its name, which make splits."""
    folder = tmp_path_factory.mktemp("a project")
    for part in ("functions", "layers"):
        shutil.copytree(PROJECT / part, folder / part, symlinks=True)
    (folder / "docs").mkdir()
    for part in ("template.yaml", "samconfig.toml", "docs/openapi.json"):
        shutil.copy(PROJECT / part, folder / part)
    (folder / ".local").symlink_to(PROJECT / ".local")
    return folder


@pytest.fixture(scope="module")
def built(run_tool, project, tmp_path_factory):
    folder = tmp_path_factory.mktemp("build")
    template = str(project / "template.yaml")
    answer = run_tool("sam", "build", "--template-file", template, "--build-dir", str(folder), **THIS_MACHINE)
    assert answer.returncode == 0, answer.stderr
    return folder


@pytest.fixture(scope="module")
def layer(built):
    return built / "SegmentationLayer"


def run_alone(script, *folders):
    """Run a script with the folders and Lambda's libraries alone."""
    paths = [*map(str, folders), str(RUNTIME)]
    # -B writes no .pyc into the build; -I and -S drop environment and site-packages; -W: a warning would fill every log
    return subprocess.run(  # noqa: S603 -- this interpreter
        [sys.executable, "-B", "-I", "-S", "-W", "error", "-c", f"import sys; sys.path[:0] = {paths}; {script}"],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_built_handler_imports_with_the_layer_and_lambdas_libraries_alone(function, built, layer):
    answer = run_alone("import app; app.handler", built / function.title().replace("_", ""), layer / "python")

    assert answer.returncode == 0, answer.stderr


def test_both_layers_together_can_check_a_providers_signature(built, layer):
    script = "from jwt import algorithms; algorithms.RSAAlgorithm(algorithms.RSAAlgorithm.SHA256)"

    answer = run_alone(script, layer / "python", built / "CryptographyLayer" / "python")

    assert answer.returncode == 0, answer.stderr


def test_the_layers_have_no_package_in_common(built):
    first, second = ({path.name for path in (built / name / "python").iterdir()} for name in LAYERS)

    assert first & second == set()


def test_a_function_is_its_one_file(built):
    files = {path.relative_to(built).as_posix() for path in (built / "ApplyMigrations").rglob("*")}

    assert files == {"ApplyMigrations/app.py"}


@pytest.mark.parametrize("name", LAYERS)
def test_every_module_of_a_layer_is_compiled(built, name):
    modules = {path.parent / path.stem for path in (built / name).rglob("*.py")}

    compiled = {path.parents[1] / path.name.partition(".")[0] for path in (built / name).rglob("*.pyc")}

    assert compiled == modules


def test_the_layer_has_no_sdk_because_the_runtime_has_it(layer):
    packages = {path.name for path in (layer / "python").iterdir()}

    assert packages.isdisjoint({"boto3", "botocore", "s3transfer", "urllib3"})


def test_the_layer_carries_the_sql_files(layer):
    source, built = PROJECT / SQL, layer / "python" / SQL.relative_to("layers/segmentation")

    carried = {path.relative_to(built) for path in built.rglob("*.sql")}

    assert carried == {path.relative_to(source) for path in source.rglob("*.sql")}
    assert {path.parent.name for path in carried} == {"migrations", "functions", "views", "triggers"}


@pytest.fixture(scope="module")
def for_lambda(tmp_path_factory):
    """The layers as a deployment has them."""
    folder = tmp_path_factory.mktemp("lambda")
    return [build_layer(folder / name, name) for name in LAYERS]


def test_the_layer_for_lambda_is_small(for_lambda):
    size = sum(path.stat().st_size for path in for_lambda[0].rglob("*") if path.is_file())

    assert size < UNZIPPED_MEGABYTES * 1_000_000


def test_every_compiled_library_for_lambda_is_of_its_architecture(for_lambda):
    libraries = [path for layer in for_lambda for path in layer.rglob("*.so*")]

    assert len(libraries) > 10
    assert {path.name for path in libraries if machine_of(path) != AARCH64} == set()


def test_every_extension_module_for_lambda_is_of_its_python(for_lambda):
    # a library of a wheel, such as libpq, is of no Python, and stands in a folder of its own
    libraries = [path for layer in for_lambda for path in layer.rglob("*.so") if not path.parent.name.endswith(".libs")]

    assert {
        path.name for path in libraries if not re.search(r"\.(cpython-313-aarch64-linux-gnu|abi3)\.so$", path.name)
    } == set()


def machine_of(library):
    """Return the machine in the header of an ELF file."""
    with library.open("rb") as file:
        header = file.read(20)
    assert header[:4] == b"\x7fELF", library
    return int.from_bytes(header[18:20], "little")


def test_the_layer_carries_the_certificates_that_the_template_names(layer, template):
    named = set(re.findall(r"/opt/(certificates/\w+\.pem)", json.dumps(template)))

    assert len(named) == 2
    assert {name for name in named if not (layer / name).is_file()} == set()


def test_two_builds_are_the_same_byte_for_byte(layer, tmp_path):
    again = build_layer(tmp_path / "layer", **THIS_MACHINE)

    files = sorted(path.relative_to(layer) for path in layer.rglob("*") if path.is_file())
    _, different, missing = filecmp.cmpfiles(layer, again, files, shallow=False)

    assert sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file()) == files
    assert different == []
    assert missing == []
