"""A full disk of the tables or of the write-ahead log: 503 without a change, until there is space.

The errors come from real system calls, without a full disk and without the right to mount one. /dev/full replaces a
table's file. A limit on the file size of the server's processes stops the log.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from local import postgres, unprivileged
from segmentation.database import connection
from tests import law
from tests.chaos.chaos_load import SECONDS, assert_well_behaved, under_load
from tests.chaos.chaos_load import loaded as loaded
from tests.chaos.stoppable_server import stoppable_server as stoppable_server
from tests.functions.calls import Answer, call
from tests.functions.factories import change, create_segments, create_users, done
from tests.functions.keys import create_user, everything

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full and prlimit need Linux")

LOG_ENDS_AT = 12 * 2**20
"""More than any table of the load needs, and less than a log segment of 16 MiB."""

FILLER = "select pg_logical_emit_message(false, 'filler', repeat('x', 1000000))"
ACCOUNT = {"username": "alice", "password": "correct horse battery staple"}


def create_segment(**members: object) -> Answer:
    return call("create_segment", {"slug": "AVITO_50", **members})


def prepare_nothing() -> None:
    """Prepare nothing, for a request that needs no user and no segment."""


def create_members_of_a_rollout() -> None:
    create_users(1, 2)
    done(create_segment(user_percent=100))


WRITES: dict[str, tuple[Callable[[], object], Callable[[], Answer]]] = {
    "users": (prepare_nothing, partial(call, "create_user", {"user_id": 1})),
    "segments": (prepare_nothing, create_segment),
    "memberships": (partial(create_segments, "AAA"), partial(change, 1, add=("AAA",))),
    "history_of_this_month": (partial(create_segments, "AAA"), partial(change, 1, add=("AAA",))),
    "idempotency_keys": (prepare_nothing, create_user),
    "jobs": (prepare_nothing, partial(call, "create_report", {"year": 2023, "month": 8})),
    "rollouts": (partial(create_users, 1), partial(create_segment, user_percent=100)),
    "rollout_overrides": (create_members_of_a_rollout, partial(change, 1, delete=("AVITO_50",))),
    "accounts": (prepare_nothing, partial(call, "sign_up", ACCOUNT)),
    "sign_in_failures": (prepare_nothing, partial(call, "sign_in", ACCOUNT)),
}
"""For each table: a preparation, and a request that writes the first row."""


@pytest.fixture
def file_of(superuser, empty_database) -> Callable[[str], Path]:
    def find(table: str) -> Path:
        if table == "history_of_this_month":
            table = f"history_{time.strftime('%Y_%m', time.gmtime())}"
        [(path,)] = superuser.execute("select pg_relation_filepath(%s::regclass)", (table,)).fetchall()
        return empty_database.server.data / path

    return find


@contextmanager
def no_space_for(file: Path) -> Iterator[None]:
    """Replace the file of an empty table by /dev/full, for new connections."""
    assert file.stat().st_size == 0
    kept = file.with_suffix(".kept")
    connection.close()
    file.rename(kept)
    file.symlink_to("/dev/full")
    yield
    connection.close()
    kept.replace(file)


def rows_of(owner: psycopg.Connection, table: str) -> int:
    return owner.execute(
        sql.SQL("select from {}").format(sql.Identifier(table.removesuffix("_of_this_month")))
    ).rowcount


@pytest.mark.parametrize("table", WRITES)
def test_full_table_disk_is_503_until_there_is_space(service, aws, table, file_of, owner):
    prepare, request = WRITES[table]
    prepare()
    before = everything(owner)
    assert rows_of(owner, table) == 0

    with no_space_for(file_of(table)):
        refused = request()
        assert (refused.status, "retry-after" in refused.headers) == (503, True)
        assert everything(owner) == before

    assert request().status < 500
    assert rows_of(owner, table) > 0
    law.check(owner)


def limit_files(of: postgres.Server, octets: int) -> None:
    """Limit the size of a file that the server's processes and their children may write."""
    server = int(postgres.read_lock(of.data)[0])
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    account = unprivileged.account()
    credentials = {"user": account.user, "group": account.group, "extra_groups": []} if account else {}
    for process in (server, *children):
        limit = ["prlimit", f"--pid={process}", f"--fsize={octets}:"]
        subprocess.run(limit, check=False, **credentials)  # noqa: S603 -- a session may have ended


def test_full_log_disk_loses_and_doubles_nothing(loaded, stoppable_server):
    def fill_the_log(superuser):
        time.sleep(SECONDS / 4)
        limit_files(stoppable_server.running, LOG_ENDS_AT)
        with suppress(psycopg.OperationalError):
            while True:
                superuser.execute(FILLER)
        time.sleep(1)
        stoppable_server.crash()

    tally = under_load(loaded, fill_the_log)

    assert tally.statuses[503] > 0
    assert "could not write to log file" in stoppable_server.running.process.log.read_text()
    assert_well_behaved(tally)
