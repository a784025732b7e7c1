"""The user that runs Postgres, and directories that this user can reach.

Postgres refuses to run as root. Root therefore starts it as an unprivileged user. If that user cannot enter the
checkout, Postgres's files are in a fallback directory outside. No permissions of existing files are changed.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from local.processes import Account

CANDIDATES = ("postgres", "nobody")
FALLBACK_ROOTS = (Path("/var/lib"), Path("/var/tmp"))  # nosec B108 # noqa: S108 - a file of another user is refused


def account() -> Account | None:
    """Return the user that replaces root, or None if we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in CANDIDATES if name in known)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def reachable(path: Path, user: Account | None) -> bool:
    """Return whether the user can enter a directory or execute a file."""
    if user is None:
        return os.access(path, os.X_OK)
    # A process of that user tests it, because mode bits alone do not show mounts and access lists.
    test = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
    asked = subprocess.run(test, cwd="/", user=user.user, group=user.group, extra_groups=[])  # noqa: S603 - fixed
    return asked.returncode == 0


def reachable_path(path: Path, user: Account | None) -> Path:
    """Return the path, or its fallback outside the checkout if the user cannot enter its directory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path if reachable(path.parent, user) else fallback_directory(path.parent) / path.name


def fallback_directory(directory: Path) -> Path:
    """Create the fallback of a directory. All users can pass through it; only root can change it."""
    fallback = fallback_path(directory)
    fallback.mkdir(mode=0o711, exist_ok=True)
    if fallback.is_symlink() or fallback.stat().st_uid != 0:
        raise PermissionError(f"{fallback} belongs to another user: remove it.")
    return fallback


def fallback_path(directory: Path) -> Path:
    """Return the path of a directory's fallback."""
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    root = next(root for root in FALLBACK_ROOTS if root.is_dir())
    return root / f"segmentation-local-{digest}"


def make_directory(path: Path, user: Account | None) -> Path:
    """Create an empty directory that only the user can read. Remove what exists under its name."""
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(mode=0o700)
    if user:
        os.chown(path, user.user, user.group)
    return path


def remove(directory: Path) -> None:
    """Delete a directory and its fallback."""
    for found in (directory, fallback_path(directory)):
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
