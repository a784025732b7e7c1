"""The database refuses these statements to the application's role, whatever code runs under it."""

import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

FORBIDDEN = [
    "insert into history (user_id, slug, action_id, reason, actor, executed_at) values (1, 'X', 1, 'ttl', 'me', now())",
    "update history set actor = 'me'",
    "delete from history",
    "truncate history",
    "truncate memberships",
    "delete from history_default",
    "update memberships set user_id = 2",
    "delete from segments",
    "update idempotency_keys set body = ''",
    "alter table memberships disable trigger all",
    "set session_replication_role = replica",
    "drop table users",
    "create table mine ()",
    "insert into schema_migrations values (7, 'x', 'y')",
    "select from schema_objects",
    "select create_history_partitions('2001-01-01', 1)",
    "update accounts set username = 'me'",
    "update accounts set generation = gen_random_uuid()",
    "insert into accounts (username, password_hash, role, generation) values ('x', '$argon2id$', 'reader', null)",
    "truncate accounts",
    "alter table accounts disable trigger all",
    "truncate sign_in_failures",
    "insert into causes (comment) values ('because')",
    "update causes set comment = 'because'",
    "delete from causes",
    "select record_cause()",
    "insert into segment_changes (segment_id, changed_at, change) values (1, now(), 'created')",
    "update segment_changes set actor = 'me'",
    "delete from segment_changes",
    "delete from segment_steps",
    "update segment_steps set due_at = now()",
    "update segment_steps set actor = 'me'",
    "insert into segment_steps (segment_id, due_at, user_percent, actor, status) values (1, now(), 1, 'me', 'failed')",
    "truncate segment_steps",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_application_role_is_refused(connection, statement):
    with pytest.raises(InsufficientPrivilege):
        connection.execute(sql.SQL(statement))


def test_application_role_owns_nothing(connection, owner):
    owned = owner.execute(
        "select from pg_class join pg_roles on pg_roles.oid = relowner where rolname in (%s, 'segmentation_app')",
        (connection.info.user,),
    )

    assert owned.rowcount == 0


def test_application_role_has_no_server_privileges(connection, owner):
    [attributes] = owner.execute(
        "select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls from pg_roles where rolname = %s",
        (connection.info.user,),
    ).fetchall()

    assert attributes == (False,) * 5


def test_application_role_is_a_member_of_its_own_role_only(connection):
    memberships = connection.execute("select rolname from pg_roles where pg_has_role(oid, 'member')").fetchall()

    assert {name for [name] in memberships} == {connection.info.user, "segmentation_app"}


@pytest.mark.parametrize("right", ["insert", "update", "delete", "truncate"])
def test_application_role_can_write_no_part_of_the_history(connection, right):
    written = connection.execute(
        """
        select pg_class.relname
          from pg_class
         where (pg_class.relname = 'schema_migrations' or pg_class.relname like 'history%%')
           and pg_class.relkind in ('r', 'p') and has_table_privilege(pg_class.oid, %s)
        """,
        (right,),
    ).fetchall()

    assert written == []


@pytest.mark.parametrize("right", ["truncate", "references", "trigger"])
def test_application_role_can_truncate_no_table_and_add_no_trigger(connection, right):
    tables = connection.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and has_table_privilege(oid, %s)",
        (right,),
    ).fetchall()

    assert tables == []


def test_sessions_use_utc_and_a_short_lock_timeout(connection):
    rows = connection.execute("select current_setting('timezone'), current_setting('lock_timeout')").fetchall()

    assert rows == [("UTC", "2s")]
