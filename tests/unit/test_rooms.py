"""The rooms of the layer, and the imports between them.

functions → api, reports → domain → jobs → database, access → contract, runtime: a room imports from itself and from the
rooms behind the arrows.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYER = Path("layers", "segmentation")
FLOORS = (
    ("functions",),
    ("api", "reports"),
    ("domain",),
    ("jobs",),
    ("database", "access"),
    ("contract", "runtime"),
)
"""The rooms from the top floor to the lowest.

Rooms of one floor do not import each other. Each function is a room of its own.
"""

ROOMS = {room for floor in FLOORS[1:] for room in floor}


def modules_of(root):
    """Return the path of each module of the functions and the layer by its dotted name."""
    layer = {path: path.relative_to(root / LAYER) for path in (root / LAYER / "segmentation").rglob("*.py")}
    functions = {path: path.relative_to(root) for path in (root / "functions").rglob("*.py")}
    return {".".join(name.with_suffix("").parts): path for path, name in (layer | functions).items()}


def imports_of(name, path):
    """Yield the dotted name of everything that a module imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), name.rpartition(".")[0])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def room_of(name):
    """Return the room of a dotted name, or None for a library. Each function is a room of its own."""
    package, _, rest = name.partition(".")
    room = rest.partition(".")[0]
    return {"segmentation": room, "functions": f"functions/{room}"}.get(package)


def allowed_rooms(room):
    """Return the room itself and the rooms of all lower floors."""
    kind = room.partition("/")[0]
    below = [floor for number, floor in enumerate(FLOORS) if any(kind in above for above in FLOORS[:number])]
    return {room}.union(*below)


def wrong_imports(root):
    """Describe each import from a room that is not allowed: its file, the import, and the allowed rooms."""
    return [
        f"{path.relative_to(root)} imports {imported}; its room may import from {sorted(allowed)}"
        for name, path in sorted(modules_of(root).items())
        for allowed in [allowed_rooms(room_of(name))]
        for imported in imports_of(name, path)
        if room_of(imported) not in {None, *allowed}
    ]


def import_circle(root):
    """Return the modules of an import circle, if there is one. Between rooms, a circle is a wrong import already."""
    modules = modules_of(root)
    graph = {
        name: {found for imported in imports_of(name, path) for found in (imported, imported.rpartition(".")[0])}
        & modules.keys()
        for name, path in modules.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def reads_environment(path):
    """Return whether a module names `os.environ` or `os.getenv`."""
    nodes = [*ast.walk(ast.parse(path.read_text("utf-8")))]
    named = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    return not {"environ", "environb", "getenv", "getenvb"}.isdisjoint(named | imported)


def modules_that_read_environment(root):
    return [name for name, path in modules_of(root).items() if reads_environment(path)]


@pytest.fixture
def write_module(tmp_path):
    """Write a module into a made-up tree."""

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return write


def test_every_import_goes_down():
    assert wrong_imports(ROOT) == []


def test_no_modules_import_each_other_in_a_circle():
    assert import_circle(ROOT) == []


def test_the_table_names_every_room():
    folders = {path.name for path in (ROOT / LAYER / "segmentation").iterdir() if any(path.glob("*.py"))}

    assert folders == ROOMS


def test_the_root_of_the_layer_holds_no_modules():
    assert [path.name for path in (ROOT / LAYER / "segmentation").glob("*.py")] == ["__init__.py"]


def test_every_package_holds_a_docstring_alone():
    packages = (ROOT / LAYER).rglob("__init__.py")
    bodies = {path: ast.parse(path.read_text("utf-8")) for path in packages}

    assert [path for path, body in bodies.items() if len(body.body) != 1 or not ast.get_docstring(body)] == []


def test_only_the_settings_read_the_environment():
    assert modules_that_read_environment(ROOT) == ["segmentation.runtime.settings"]


@pytest.mark.parametrize("statement", ["import os\nx = os.environ", "from os import getenv", "os.getenv('HOME')"])
def test_a_module_that_reads_the_environment_is_found(tmp_path, write_module, statement):
    write_module("functions/show_job/app.py", statement)

    assert modules_that_read_environment(tmp_path) == ["functions.show_job.app"]


@pytest.mark.parametrize(
    ("path", "imported"),
    [
        ("layers/segmentation/segmentation/database/watermark.py", "segmentation.domain.users"),
        ("layers/segmentation/segmentation/domain/rollouts/job.py", "segmentation.reports.storage"),
        ("layers/segmentation/segmentation/reports/months.py", "segmentation.api.parameters"),
        ("layers/segmentation/segmentation/jobs/worker.py", "functions.run_job.app"),
        ("functions/show_job/app.py", "functions.run_job.app"),
    ],
    ids=["up", "up-from-a-folder-in-a-room", "same-floor", "from-a-function", "between-functions"],
)
@pytest.mark.parametrize(
    "statement", ["import {0}.{1}", "from {0} import {1}", "def later():\n    from {0}.{1} import x"]
)
def test_a_wrong_import_is_named_with_its_file_and_the_allowed_rooms(tmp_path, write_module, path, imported, statement):
    package, _, name = imported.rpartition(".")
    write_module(path, statement.format(package, name))

    [message] = wrong_imports(tmp_path)

    assert message.startswith(f"{path} imports {imported}")
    assert "its room may import from [" in message
    assert "'contract'" in message


def test_a_relative_import_is_followed(tmp_path, write_module):
    write_module("layers/segmentation/segmentation/jobs/worker.py", "from ..api import resolver")

    [message] = wrong_imports(tmp_path)

    assert "imports segmentation.api.resolver" in message


def test_an_import_from_the_own_room_or_a_lower_one_is_right(tmp_path, write_module):
    write_module(
        "layers/segmentation/segmentation/domain/rollouts/job.py",
        "import json\nfrom segmentation.domain import users\nfrom segmentation.contract.values import Slug\n",
    )

    assert wrong_imports(tmp_path) == []


def test_an_import_circle_within_a_room_is_found(tmp_path, write_module):
    write_module("layers/segmentation/segmentation/jobs/leases.py", "from segmentation.jobs import worker")
    write_module("layers/segmentation/segmentation/jobs/worker.py", "from segmentation.jobs.leases import Kind")

    assert set(import_circle(tmp_path)) == {"segmentation.jobs.leases", "segmentation.jobs.worker"}
