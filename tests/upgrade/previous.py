"""The code before the newest change of the SQL files, from git, with the libraries that it requires."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from local.settings import ROOT
from tests.conftest import Database

SQL = "layers/segmentation/segmentation/database/sql"
BASELINE = f"{SQL}/migrations/0010_baseline.sql"
KEPT = ROOT / ".local" / "upgrade"
COMMIT = os.environ.get("UPGRADE_FROM")
"""The commit of the previous release, if this release changes the SQL files in more than one commit."""


MIGRATE = """
from functions.apply_migrations.app import apply_migrations
apply_migrations()
"""


class NoHistory(Exception):
    """The code before the newest SQL file is in git's history, which this clone lacks: clone all of it."""


@dataclass(frozen=True)
class Previous:
    """A checkout of the previous code. It imports nothing from this one."""

    tree: Path

    @property
    def python(self) -> Path:
        return self.tree / ".local" / "venv" / "bin" / "python"

    @property
    def handlers(self) -> Path:
        """A folder that has its functions and its layer, and no tests."""
        return self.tree / ".local" / "handlers"


def previous() -> Previous:
    """Return that code, checked out and ready to run."""
    commit = git("rev-parse", f"{COMMIT or before_the_newest_sql()}^{{commit}}").decode().strip()
    found = Previous(KEPT / commit)
    if not found.handlers.exists():
        shutil.rmtree(KEPT, ignore_errors=True)
        check_out(commit, found.tree)
        install(found)
    return found


def before_the_newest_sql() -> str:
    """Name the commit before the last one that added or edited a migration or an object's file.

    A change that is not committed yet comes after HEAD.
    """
    if git("rev-parse", "--is-shallow-repository").strip() == b"true":
        raise NoHistory(NoHistory.__doc__)
    if git("status", "--porcelain", "--", SQL):
        return "HEAD"
    return before(git("log", "-1", "--diff-filter=AM", "--format=%H", "--", SQL))


def former_migrations() -> list[tuple[str, str]]:
    """Return the names and the texts of the ten migrations that the baseline replaced."""
    commit = before(git("log", "-1", "--diff-filter=A", "--format=%H", "--", BASELINE))
    paths = git("ls-tree", "-r", "--name-only", commit, "--", "layers").decode().split()
    steps = sorted(path for path in paths if "/migrations/00" in path)
    return [(Path(path).name, git("show", f"{commit}:{path}").decode()) for path in steps]


def before(commit: bytes) -> str:
    return f"{commit.decode().strip()}~1" if commit else "HEAD"


def run(code: Previous, script: str, *arguments: object, **settings: str) -> None:
    """Run a script with the handlers, the layer and the tests of the previous code."""
    path = os.pathsep.join([str(code.handlers), str(code.tree)])
    command = [code.python, "-P", "-c", script, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": path} | settings
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 -- our own


def migrate_with(code: Previous, database: Database) -> None:
    """Apply the migrations of the previous code as its deployment does."""
    run(code, MIGRATE, DATABASE_OWNER_URL=database.owner_url, DATABASE_URL=database.url)


def check_out(commit: str, tree: Path) -> None:
    tree.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit))) as archive:
        archive.extractall(tree, filter="data")


def install(code: Previous) -> None:
    """Make its environment as its own Makefile does. Postgres is that of this checkout, as in an upgrade."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    make = [ROOT / ".ci" / "insist", "make", "--directory", code.tree, f"PYTHON={sys.executable}", ".local/venv/.made"]
    subprocess.run(make, env=environment, check=True)  # noqa: S603 -- our own, of another day
    (code.tree / ".local" / "servers").symlink_to(ROOT / ".local" / "servers")
    unfinished = code.handlers.with_suffix(".unfinished")
    unfinished.mkdir()
    (unfinished / "functions").symlink_to(code.tree / "functions")
    (unfinished / "segmentation").symlink_to(code.tree / "layers" / "segmentation" / "segmentation")
    unfinished.rename(code.handlers)


def git(*arguments: str) -> bytes:
    try:
        command = ["git", *arguments]
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout  # noqa: S603 -- as written here
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise NoHistory(NoHistory.__doc__) from error
