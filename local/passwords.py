"""The passwords of the local database, generated at the first start and kept beside its data."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Passwords:
    """One password for each role."""

    superuser: str
    owner: str
    login: str


def load(path: Path) -> Passwords:
    """Return the passwords. Generate them if there are none."""
    made = asdict(Passwords(*(secrets.token_urlsafe(24) for _ in range(3))))
    return Passwords(**json.loads(keep(path, made)))


def keep(path: Path, new: dict[str, str]) -> str:
    """Return the file's JSON text. Write the file first if it is missing."""
    if not path.exists():
        save(new, path)
    return path.read_text()


def save(members: dict[str, str], path: Path) -> None:
    """Write a file that only its owner can read. It appears when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(members, file)
    unfinished.rename(path)
