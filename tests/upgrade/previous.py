"""The code that was written for the schema before the newest step, out of git, with the libraries that it asks for."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from local.settings import ROOT
from segmentation.database import migrate

MIGRATIONS = "layers/segmentation/segmentation/database/sql/migrations"
KEPT = ROOT / ".local" / "upgrade"
COMMIT = os.environ.get("UPGRADE_FROM")
"""What the release before was made of, where this one brings more than one step."""


class NoHistory(Exception):
    """The code before the newest migration is in git's history, which is not here: clone all of it."""


@dataclass(frozen=True)
class Previous:
    """A checkout of its own, in which nothing of the code that is here can be met."""

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
    commit = git("rev-parse", f"{COMMIT or before_the_newest_step()}^{{commit}}").decode().strip()
    found = Previous(KEPT / commit)
    if not found.handlers.exists():
        shutil.rmtree(KEPT, ignore_errors=True)
        check_out(commit, found.tree)
        install(found)
    return found


def before_the_newest_step() -> str:
    """Name the commit before the one that added the newest migration; what is not committed yet comes after HEAD."""
    if git("rev-parse", "--is-shallow-repository").strip() == b"true":
        raise NoHistory(NoHistory.__doc__)
    step = f"{MIGRATIONS}/{migrate.migrations()[-1].name}"
    added = git("log", "--diff-filter=A", "--format=%H", "--", step).decode().split()
    return f"{added[-1]}~1" if added else "HEAD"


def check_out(commit: str, tree: Path) -> None:
    tree.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit))) as archive:
        archive.extractall(tree, filter="data")


def install(code: Previous) -> None:
    """Make its environment as its own Makefile does; Postgres is the one that is here, as in an upgrade."""
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
