"""Who Postgres runs as, and where that user can reach its files.

Postgres refuses to run as root. Root therefore hands it to an unprivileged user, and keeps its files outside
the checkout when that user cannot enter the checkout; nothing's permissions are changed.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from local.processes import Account

CANDIDATES = ("postgres", "nobody")
FALLBACK_ROOTS = (Path("/var/lib"), Path("/var/tmp"))  # nosec B108 # noqa: S108 - what another user made there is refused


def account() -> Account | None:
    """Return the user to run as instead of root, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in CANDIDATES if name in known)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def reachable(path: Path, user: Account | None) -> bool:
    """Tell whether the user can enter a directory or execute a file."""
    if user is None:
        return os.access(path, os.X_OK)
    # Asked of the system as that user: mode bits alone do not know about mounts and access lists.
    test = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
    asked = subprocess.run(test, cwd="/", user=user.user, group=user.group, extra_groups=[])  # noqa: S603 - fixed
    return asked.returncode == 0


def reachable_path(path: Path, user: Account | None) -> Path:
    """Return the path itself when the user can reach its directory, else a stand-in outside the checkout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path if reachable(path.parent, user) else fallback_directory(path.parent) / path.name


def fallback_directory(directory: Path) -> Path:
    """Make the stand-in of a directory: all can pass through it, only root can change it."""
    fallback = fallback_path(directory)
    fallback.mkdir(mode=0o711, exist_ok=True)
    if fallback.is_symlink() or fallback.stat().st_uid != 0:
        raise PermissionError(f"{fallback} belongs to another user: remove it")
    return fallback


def fallback_path(directory: Path) -> Path:
    """Name the stand-in of a directory."""
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    root = next(root for root in FALLBACK_ROOTS if root.is_dir())
    return root / f"segmentation-local-{digest}"


def make_directory(path: Path, user: Account | None) -> Path:
    """Make an empty directory that only the user can read, in place of what is there."""
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(mode=0o700)
    if user:
        os.chown(path, user.user, user.group)
    return path


def remove(directory: Path) -> None:
    """Delete a directory and its stand-in."""
    for found in (directory, fallback_path(directory)):
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
