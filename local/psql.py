"""`make psql`: open the database of the local run in psql, as the owner of the schema."""

import os
import sys

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from local import lock, programs
from local.processes import ChildFailed
from local.settings import GatewaySettings, Settings


def main() -> int:
    """Replace this process by psql. Return an exit code if there is no local run."""
    settings = Settings()
    try:
        with lock.exclusive(settings.state):
            sys.stderr.write("There is no local run: start one with `make run`, in another terminal.\n")
            return 1
    except ChildFailed:  # a local run holds the lock
        os.execve(programs.psql(), ["psql", *connection(settings)], environment(settings))  # noqa: S606 - our own


def connection(settings: Settings) -> list[str]:
    """Return psql's arguments. The password is not among them, because `ps` shows them to every user."""
    return [make_conninfo(**{name: value for name, value in database(settings).items() if name != "password"})]


def environment(settings: Settings) -> dict[str, str]:
    """Return psql's environment, with the password."""
    return {**os.environ, "PGPASSWORD": database(settings)["password"]}


def database(settings: Settings) -> dict[str, str]:
    """Return how the owner of the schema connects in the current run."""
    gateway = GatewaySettings.read(settings.gateway)
    found = conninfo_to_dict(gateway.function_variables["ApplyMigrations"]["DATABASE_OWNER_URL"])
    return {name: str(value) for name, value in found.items()}


if __name__ == "__main__":
    sys.exit(main())
