"""The database schema: ordered migrations, the application's login, and the version in force."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import Any, TypeVar

from psycopg import Connection, errors, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import scalar_row

from segmentation.contract.responses import Health
from segmentation.runtime.retry import retry

_LOCK = 0x5E63_0001
"""Any number, so long as nothing else in this database takes the same advisory lock."""

LOCK_TIMEOUT = "1s"
"""Shorter than the lock timeout of requests. A request that waits behind a migration does not fail."""

LOCK_PAUSE_SECONDS = 2
"""In this pause the requests are served that waited behind a try."""

LOCK_TRIES = 20

Result = TypeVar("Result")


class MigrationEdited(Exception):
    """A migration was changed after this database had applied it; write a new one instead."""


class LoginIsOwner(Exception):
    """The application must not connect as the owner: it could rewrite the history."""


@dataclass(frozen=True)
class Migration:
    """One step of the schema: applied once, in order, and never edited after its release."""

    version: int
    name: str
    script: str

    @property
    def checksum(self) -> str:
        """Return what tells this step from an edited one."""
        return hashlib.sha256(self.script.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return the steps that this layer carries, in order."""
    files = resources.files("segmentation.database").joinpath("sql/migrations").iterdir()
    return [
        Migration(int(file.name[:4]), file.name, file.read_text("utf-8"))
        for file in sorted(files, key=lambda file: file.name)
        if file.name.endswith(".sql")
    ]


def version(connection: Connection) -> int:
    """Return the number of the newest step that the database has."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [newest] = cursor.execute("select max(schema_migrations.version) from schema_migrations").fetchall()
    return int(newest)


def health(connection: Connection) -> Health:
    """Answer from the database itself."""
    return Health(schema_version=version(connection))


def migrate(owner: Connection, application_conninfo: str) -> dict[str, Any]:
    """Bring the schema, the history's partitions and the application's login up to date.

    Safe to run twice, and at once: each step is a transaction, which one run applies while the others wait, and then
    find nothing to do. Raises MigrationEdited or LoginIsOwner, before anything is changed by what is wrong; and
    psycopg.errors.LockNotAvailable, where others hold for a minute what a step must lock: it is undone as a whole.
    """
    applied = _apply_missing(owner)
    _retry_locks(partial(_make_partitions, owner))
    _grant_login(owner, **_credentials(application_conninfo))
    return {"schema_version": version(owner), "applied": applied}


def keep_partitions_ahead(connection: Connection) -> None:
    """Make the months of the history that are to come, a year ahead; those that exist already cost nothing."""
    connection.execute("select keep_history_partitions_ahead()")


@contextmanager
def _alone(owner: Connection) -> Iterator[None]:
    """Run a block as one transaction, and no other run's at the same time, that waits only briefly for the requests'.

    A lock of the session would stay with a pooler's server connection, which the next statement may not get again.
    """
    with owner.transaction():
        owner.execute("select pg_advisory_xact_lock(%s::bigint)", (_LOCK,))
        owner.execute("select set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
        yield


def _retry_locks(work: Callable[[], Result]) -> Result:
    """Run a transaction. Retry it when other sessions hold a lock that it needs.

    Each try waits only briefly for its locks, because every later request waits behind it.
    """
    pauses = (LOCK_PAUSE_SECONDS,) * (LOCK_TRIES - 1)
    return retry(work, on=(errors.LockNotAvailable, errors.DeadlockDetected), pauses=pauses)


def _apply_missing(owner: Connection) -> list[str]:
    with _alone(owner):
        owner.execute(
            """
            create table if not exists schema_migrations (
                version integer primary key,
                name text not null,
                checksum text not null,
                applied_at timestamptz not null default now()
            )
            """
        )
        known = _known(owner)
    missing = [step for step in migrations() if _is_missing(step, known)]
    return [step.name for step in missing if _retry_locks(partial(_apply, owner, step))]


def _known(owner: Connection) -> dict[int, str]:
    """Return the checksums of the steps that the database has."""
    rows = owner.execute("select schema_migrations.version, schema_migrations.checksum from schema_migrations")
    return dict(rows.fetchall())


def _is_missing(step: Migration, known: dict[int, str]) -> bool:
    if step.version in known and known[step.version] != step.checksum:
        raise MigrationEdited(f"{MigrationEdited.__doc__} ({step.name})")
    return step.version not in known


def _apply(owner: Connection, step: Migration) -> bool:
    """Apply a step and return True, unless another run has done so meanwhile."""
    with _alone(owner):
        if not _is_missing(step, _known(owner)):
            return False
        owner.execute(step.script.encode())  # bytes: the layer's own file, not a query built at run time
        owner.execute(
            "insert into schema_migrations (version, name, checksum) values (%s, %s, %s)",
            (step.version, step.name, step.checksum),
        )
    return True


def _make_partitions(owner: Connection) -> None:
    with _alone(owner):
        keep_partitions_ahead(owner)


def _credentials(conninfo: str) -> dict[str, str]:
    parts = conninfo_to_dict(conninfo)
    return {"name": str(parts["user"]), "password": str(parts["password"])}


def _grant_login(owner: Connection, name: str, password: str) -> None:
    """Make the login, or renew its password (sent as a SCRAM verifier), its rights and its settings."""
    if name == owner.info.user:
        raise LoginIsOwner(LoginIsOwner.__doc__)
    login = sql.Identifier(name)
    verifier = owner.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    with _alone(owner):
        exists = owner.execute("select from pg_roles where pg_roles.rolname = %s", (name,)).rowcount
        verb = sql.SQL("alter role" if exists else "create role")
        owner.execute(sql.SQL("{} {} with login password {}").format(verb, login, sql.Literal(verifier)))
        owner.execute(sql.SQL("grant segmentation_app to {}").format(login))
        for setting, value in _LOGIN_SETTINGS.items():
            owner.execute(
                sql.SQL("alter role {} set {} = {}").format(login, sql.Identifier(setting), sql.Literal(value))
            )


_LOGIN_SETTINGS = {
    # kept at the role, because poolers refuse startup options and forget what a session sets
    "timezone": "UTC",
    "statement_timeout": "10s",
    "lock_timeout": "2s",  # a lock held too long is answered with 503, before the client gives up
    "idle_in_transaction_session_timeout": "10s",
    # what a dead environment began is undone before its request is repeated
    "client_connection_check_interval": "500ms",
    # an environment that is frozen, or gone without a word, would keep its connection for hours
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "idle_session_timeout": "10min",
}
