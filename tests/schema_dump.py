"""The schema of a database as pg_dump writes it: tables, functions, triggers, indexes, sequences and rights."""

import subprocess

from local import programs, unprivileged
from tests.conftest import Database


def dump_schema(of: Database) -> list[str]:
    """Return the lines of the schema, without the two that differ in every dump."""
    pg_dump = programs.postgres(unprivileged.account()) / "pg_dump"
    dumped = subprocess.run([pg_dump, "--schema-only", of.owner_url], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- our own
    return [line for line in dumped.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]
