"""The commands of docs/how-to/restore.md restore a used database on a new server."""

import re
import subprocess
from textwrap import dedent

import pytest
from psycopg import errors, sql

from local import programs, unprivileged
from local.settings import ROOT
from segmentation.contract.requests import MembershipChange, NewOperation, NewSegment, SegmentChange
from segmentation.database import migrate
from segmentation.database.connection import connect
from segmentation.domain import actions, history, memberships, segments, users
from segmentation.jobs import leases
from tests import law
from tests.conftest import Database, server_with_owner

GUIDE = (ROOT / "docs" / "how-to" / "restore.md").read_text()
COMMANDS = [dedent(block) for block in re.findall(r" *```sh\n(.*?)```", GUIDE, re.DOTALL)]
[CHECK] = re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL)
TABLES_WITH_ROWS = [
    "users",
    "segments",
    "memberships",
    "rollouts",
    "rollout_overrides",
    "population",
    "actions",
    "jobs",
]
PARTITIONS = ["history_2023_07", "history_2023_08", "history_default"]
OLD_HISTORY = """
    insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
    select 5000 + month, 1, 'AVITO_OLD', action_id, 'manual', 'analyst',
           timestamptz '2023-06-15T00:00:00Z' + make_interval(months => month, hours => action_id)
      from generate_series(0, 3) month, generate_series(1, 2) action_id
    """
ARRIVAL = "insert into users (user_id) select %s + number from generate_series(1, %s) number"


def write_rows_of_every_kind(connection):
    """Write rows of every kind: memberships, lifetimes, a rollout, a segment created twice, an action, a job."""
    for slug in ("AVITO_OLD", "AVITO_NEW", "AVITO_GONE"):
        segments.create(connection, NewSegment(slug=slug), actor="analyst")
    for user_id in range(1, 31):
        change(connection, user_id, ["AVITO_OLD", "AVITO_GONE"], ttl=3600 if user_id % 2 else None)
        memberships.change(connection, MembershipChange(user_id=user_id, delete_segments=["AVITO_OLD"]), actor="me")
    change(connection, 3, ["AVITO_OLD"])
    segments.create(connection, NewSegment(slug="AVITO_SHARE", user_percent=30), actor="analyst")
    segments.update(connection, "AVITO_SHARE", SegmentChange(user_percent=50), actor="analyst")
    connection.execute(ARRIVAL, (1000, 70))
    memberships.change(connection, MembershipChange(user_id=1001, delete_segments=["AVITO_SHARE"]), actor="me")
    segments.delete(connection, "AVITO_GONE", actor="analyst")
    segments.create(connection, NewSegment(slug="AVITO_GONE"), actor="analyst")
    actions.create(connection, "exposure")
    history.record(connection, 3, NewOperation(slug="AVITO_OLD", action="exposure"), actor="backend")
    leases.create(connection, "month_report", {"year": 2023, "month": 8}, actor="analyst")


def change(connection, user_id, slugs, ttl=None):
    wanted = MembershipChange(user_id=user_id, add_segments=slugs, ttl=ttl)
    return memberships.change(connection, wanted, actor="analyst")


@pytest.fixture(scope="module")
def used(postgres_server, pooler_port):
    old = Database(postgres_server, "used", pooler_port)
    old.create()
    old.migrate()
    with connect(old.owner_url) as owner, connect(old.url) as connection:
        owner.execute("select create_history_partitions('2023-07-01', 2)")
        owner.execute(OLD_HISTORY)
        write_rows_of_every_kind(connection)
    return old


@pytest.fixture(scope="module")
def restored(used, tmp_path_factory):
    folder, path = tmp_path_factory.mktemp("dump"), programs.postgres(unprivileged.account())
    with server_with_owner() as server:
        new = Database(server, "segmentation")
        new.create()
        environment = {"PATH": f"{path}:/usr/bin:/bin", "OWNER_URL": used.owner_url, "NEW_OWNER_URL": new.owner_url}
        for command in COMMANDS:
            subprocess.run(["/bin/sh", "-euc", command], cwd=folder, env=environment, check=True)  # noqa: S603 - from the guide
        yield new


@pytest.fixture(scope="module")
def tables(used, restored):
    """The rows of each table in both databases, before a test writes to the new one."""
    return contents(used), contents(restored)


@pytest.fixture(scope="module")
def migrated(restored, tables):
    return restored.migrate()


@pytest.fixture
def connection(restored, migrated):
    with connect(restored.url) as opened:
        yield opened


@pytest.fixture
def owner(restored, migrated):
    with connect(restored.owner_url) as opened:
        yield opened


def contents(of):
    with connect(of.owner_url) as connection:
        names = connection.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
        ).fetchall()
        query = sql.SQL("select held::text from {} held order by 1")
        held = {name: connection.execute(query.format(sql.Identifier(name))).fetchall() for (name,) in names}
        sequences = connection.execute("select sequencename, last_value from pg_sequences order by 1").fetchall()
    return held | {"sequences": sequences}


def test_every_row_and_every_sequence_is_restored(tables):
    before, after = tables

    assert after == before


@pytest.mark.parametrize("name", [*TABLES_WITH_ROWS, *PARTITIONS])
def test_dumped_database_has_rows_in_each_table(tables, name):
    assert tables[0][name] != []


def test_the_migrations_find_nothing_to_do(migrated):
    assert migrated == {"schema_version": migrate.migrations()[-1].version, "applied": []}


def test_the_history_explains_every_membership(owner):
    assert owner.execute(CHECK).fetchall() == []


@pytest.mark.parametrize("table", ["memberships", "history"])
def test_check_finds_lost_memberships_and_lost_history(restored, owner, table):
    with restored_superuser(restored) as superuser, superuser.transaction(force_rollback=True):
        superuser.execute("set local session_replication_role = replica")
        superuser.execute(sql.SQL("delete from {} where user_id = 3").format(sql.Identifier(table)))

        assert superuser.execute(CHECK).fetchall() != []


def restored_superuser(restored):
    return connect(restored.server.url(database=restored.name))


def test_the_history_continues(connection, owner):
    [[newest]] = owner.execute("select max(history_id) from history").fetchall()

    change(connection, 4, ["AVITO_NEW"])

    added = owner.execute("select slug, actor from history where user_id = 4 and history_id > %s", (newest,))
    assert added.fetchall() == [("AVITO_NEW", "analyst")]


def test_a_free_id_is_still_free(connection, tables):
    user_id, is_new = users.create(connection, None, actor="backend")

    assert is_new
    assert not any(row.startswith(f"({user_id},") for (row,) in tables[0]["users"])


def test_new_segment_and_new_action_get_unused_ids(connection, owner, tables):
    segments.create(connection, NewSegment(slug="AVITO_AFTER"), actor="analyst")
    actions.create(connection, "conversion")

    [[segment_id]] = owner.execute("select max(segment_id) from segments where slug = 'AVITO_AFTER'").fetchall()
    assert segment_id > len(tables[0]["segments"])
    assert len(actions.list_actions(connection, after="", limit=9).actions) == len(tables[0]["actions"]) + 1


def test_arrival_numbers_continue_and_the_percent_stays_exact(connection, owner):
    connection.execute(ARRIVAL, (2000, 101))

    [[numbers, arrived]] = owner.execute(
        "select count(distinct ordinal), max(ordinal) - min(ordinal) + 1 from users"
    ).fetchall()
    [[enrolled]] = owner.execute(
        "select count(*) from memberships where user_id > 2000 and source = 'percent'"
    ).fetchall()
    assert numbers == arrived
    assert enrolled in (50, 51)


def test_the_application_still_cannot_write_the_history(connection):
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute("delete from history")


def test_instant_of_entry_still_cannot_be_changed(connection):
    with pytest.raises(errors.IntegrityConstraintViolation):
        connection.execute("update memberships set added_at = now() where user_id = 3")


def test_history_still_matches_the_reads(owner):
    law.check(owner)
