"""The database schema: migrations, a file per function, view and trigger, the application's login, the version."""

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
from segmentation.contract.version import VERSION
from segmentation.database import readers
from segmentation.runtime import settings
from segmentation.runtime.retry import retry

_LOCK = 0x5E63_0001
"""Any number that no other advisory lock of this database uses."""

_BASELINE = 10
"""The version of the first migration. It does what the migrations 1 to 10 did, so a database at version 10 has it."""

_REPLACED = "ca86e57ce4d912f86556e9eaf895e69d1e7abbabe75ef415847cdafa677f1a41"
"""The checksum of the former migration 10, which proves that a database has all ten."""

_KINDS = ("functions", "views", "triggers")
"""The folders of the objects, in the order in which they are applied: a trigger needs its function and its table."""

LOCK_TIMEOUT = "1s"
"""Shorter than the lock timeout of requests. A request that waits behind a migration does not fail."""

LOCK_PAUSE_SECONDS = 2
"""The requests that waited behind a try are served during this pause."""

LOCK_TRIES = 20

Result = TypeVar("Result")


class MigrationEdited(Exception):
    """A migration was changed after this database had applied it. Restore the file and write a new migration."""


class DatabaseTooOld(Exception):
    """The database is older than version 10. Deploy a release with migrations 1 to 10 first (locally: make reset)."""


class LoginIsOwner(Exception):
    """The application must not connect as the owner: it could rewrite the history."""


@dataclass(frozen=True)
class Script:
    """An SQL file of this layer."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the text, by which a database recognises it."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def run(self, owner: Connection) -> None:
        """Execute all statements of the file."""
        owner.execute(self.text.encode())  # bytes, because the text is not a query built at run time


class Migration(Script):
    """A change of the tables. It is applied once, in order, and its file is never edited after a release."""

    @property
    def version(self) -> int:
        """Return the number that the name begins with."""
        return int(self.name[:4])


class SchemaObject(Script):
    """A function, a view or a trigger. Its file is edited, and applied again when its text has changed."""

    @property
    def locks_a_table(self) -> bool:
        """Return whether requests wait while the object is replaced."""
        return not self.name.startswith("functions/")


def migrations() -> list[Migration]:
    """Return the migrations that this layer carries, in order."""
    return [Migration(name, text) for name, text in _files("migrations")]


def objects() -> list[SchemaObject]:
    """Return the functions, views and triggers that this layer carries, in the order in which they are applied."""
    return [SchemaObject(f"{kind}/{name}", text) for kind in _KINDS for name, text in _files(kind)]


def _files(folder: str) -> list[tuple[str, str]]:
    """Return the name and the text of each SQL file in a folder, ordered by name."""
    files = resources.files("segmentation.database").joinpath("sql", folder).iterdir()
    return sorted((file.name, file.read_text("utf-8")) for file in files if file.name.endswith(".sql"))


def version(connection: Connection) -> int:
    """Return the number of the newest migration that the database has."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [newest] = cursor.execute("select max(schema_migrations.version) from schema_migrations").fetchall()
    return int(newest)


def health(connection: Connection, reader: readers.State | None = None) -> Health:
    """Answer from the database itself. A deployment with readers reports their state, too."""
    return Health(schema_version=version(connection), version=VERSION, reader=reader)


def migrate(owner: Connection, application_conninfo: str) -> dict[str, Any]:
    """Bring the schema, the history's partitions and the application's login up to date.

    Apply the missing migrations, each in its own transaction, then all changed objects in one. Runs at the same time
    are safe: one applies a step, the others wait and find nothing to do.
    Raise MigrationEdited, DatabaseTooOld or LoginIsOwner before the step that is wrong changes anything. Raise
    psycopg.errors.LockNotAvailable if other sessions hold a lock for a minute: the step is rolled back as a whole.
    """
    applied = _apply_missing(owner) + _retry_locks(partial(_apply_changed, owner))
    _retry_locks(partial(_make_partitions, owner))
    _grant_login(owner, **_credentials(application_conninfo))
    return {"schema_version": version(owner), "applied": applied}


def keep_partitions_ahead(connection: Connection) -> None:
    """Create the missing partitions of the history for this month and the twelve after it."""
    connection.execute("select keep_history_partitions_ahead()")


@contextmanager
def _alone(owner: Connection) -> Iterator[None]:
    """Run a block as one transaction that excludes every other run, and that waits only briefly for locks of requests.

    The lock ends with the transaction. Behind a pooler a session lock could stay with a shared server connection.
    """
    with owner.transaction():
        owner.execute("select pg_advisory_xact_lock(%s::bigint)", (_LOCK,))
        _be_brief(owner)
        yield


def _be_brief(connection: Connection, *, locks: int = 1) -> None:
    """Limit each wait for a lock in the rest of a transaction. A transaction that takes several divides the limit."""
    connection.execute(
        "select set_config('lock_timeout', ceil(extract(epoch from %s::interval) * 1000 / %s)::text, true)",
        (LOCK_TIMEOUT, max(locks, 1)),
    )


def _retry_locks(work: Callable[[], Result]) -> Result:
    """Run a transaction. Retry it when other sessions hold a lock that it needs.

    Each try waits only briefly for its locks, because every later request waits behind it.
    """
    pauses = (LOCK_PAUSE_SECONDS,) * (LOCK_TRIES - 1)
    return retry(work, on=(errors.LockNotAvailable, errors.DeadlockDetected), pauses=pauses)


def _apply_missing(owner: Connection) -> list[str]:
    with _alone(owner):
        _create_bookkeeping(owner)
        known = _known(owner)
    if known and max(known) < _BASELINE:
        raise DatabaseTooOld(DatabaseTooOld.__doc__)
    missing = [step for step in migrations() if _is_missing(step, known)]
    return [step.name for step in missing if _retry_locks(partial(_apply, owner, step))]


def _create_bookkeeping(owner: Connection) -> None:
    owner.execute(
        """
        create table if not exists schema_migrations (
            version integer primary key,
            name text not null,
            checksum text not null,
            applied_at timestamptz not null default now()
        );
        create table if not exists schema_objects (
            name text primary key,
            checksum text not null,
            applied_at timestamptz not null default now()
        )
        """
    )


def _known(owner: Connection) -> dict[int, str]:
    """Return the version and the checksum of each migration that the database has."""
    rows = owner.execute("select schema_migrations.version, schema_migrations.checksum from schema_migrations")
    return dict(rows.fetchall())


def _is_missing(step: Migration, known: dict[int, str]) -> bool:
    if step.version not in known:
        return True
    if known[step.version] == step.checksum or (step.version, known[step.version]) == (_BASELINE, _REPLACED):
        return False
    raise MigrationEdited(f"{MigrationEdited.__doc__} ({step.name})")


def _apply(owner: Connection, step: Migration) -> bool:
    """Apply a migration and return True, unless another run has done so meanwhile."""
    with _alone(owner):
        if not _is_missing(step, _known(owner)):
            return False
        step.run(owner)
        owner.execute(
            "insert into schema_migrations (version, name, checksum) values (%s, %s, %s)",
            (step.version, step.name, step.checksum),
        )
    return True


def _apply_changed(owner: Connection) -> list[str]:
    """Apply the objects whose text differs from the text in the database. Return their names."""
    with _alone(owner):
        changed = _changed(owner)
        _be_brief(owner, locks=sum(each.locks_a_table for each in changed))
        owner.execute("set local check_function_bodies = off")  # a function may call one that is created after it
        for each in changed:
            _apply_object(owner, each)
        _forget_objects_without_file(owner)
    return [each.name for each in changed]


def _changed(owner: Connection) -> list[SchemaObject]:
    rows = owner.execute("select schema_objects.name, schema_objects.checksum from schema_objects")
    known: dict[str, str] = dict(rows.fetchall())
    return [each for each in objects() if known.get(each.name) != each.checksum]


def _apply_object(owner: Connection, changed: SchemaObject) -> None:
    changed.run(owner)
    owner.execute(
        """
        insert into schema_objects (name, checksum) values (%s, %s)
            on conflict (name) do update set checksum = excluded.checksum, applied_at = excluded.applied_at
        """,
        (changed.name, changed.checksum),
    )


def _forget_objects_without_file(owner: Connection) -> None:
    """Forget objects that have no file. Only a migration drops them. A file that comes back is applied again."""
    names = [each.name for each in objects()]
    owner.execute("delete from schema_objects where schema_objects.name <> all (%s::text[])", (names,))


def _make_partitions(owner: Connection) -> None:
    with _alone(owner):
        keep_partitions_ahead(owner)


def _credentials(conninfo: str) -> dict[str, str]:
    parts = conninfo_to_dict(conninfo)
    return {"name": str(parts["user"]), "password": str(parts["password"])}


def _grant_login(owner: Connection, name: str, password: str) -> None:
    """Create the login, or set its password (sent as a SCRAM verifier), its rights and its settings."""
    if name == owner.info.user:
        raise LoginIsOwner(LoginIsOwner.__doc__)
    login = sql.Identifier(name)
    verifier = owner.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    with _alone(owner):
        exists = owner.execute("select from pg_roles where pg_roles.rolname = %s", (name,)).rowcount
        verb = sql.SQL("alter role" if exists else "create role")
        owner.execute(sql.SQL("{} {} with login password {}").format(verb, login, sql.Literal(verifier)))
        owner.execute(sql.SQL("grant segmentation_app to {}").format(login))
        for setting, value in (_LOGIN_SETTINGS | _idle_settings()).items():
            owner.execute(
                sql.SQL("alter role {} set {} = {}").format(login, sql.Identifier(setting), sql.Literal(value))
            )


_LOGIN_SETTINGS = {
    # settings of the role, because poolers refuse startup options and do not keep the settings of a session
    "timezone": "UTC",
    "statement_timeout": "10s",
    "lock_timeout": "2s",  # the request is answered with 503 before the client gives up
    "idle_in_transaction_session_timeout": "10s",
    # the transaction of a dead environment is rolled back before its request is repeated
    "client_connection_check_interval": "500ms",
    # a frozen or lost environment would otherwise keep its connection for hours
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


def _idle_settings() -> dict[str, str]:
    """Return the limit of an idle session. Behind a pooler there is none: the idle sessions are those of its pool."""
    return {"idle_session_timeout": "0" if settings.database_is_pooled() else "10min"}
