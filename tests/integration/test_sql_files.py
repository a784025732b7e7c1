"""The functions, views and triggers of the database have exactly the text of their files."""

import re

import psycopg
import pytest

from segmentation.database import migrate
from segmentation.database.connection import connect
from tests.conftest import Database
from tests.schema_dump import dump_schema

DEFINITION = re.compile(r"^create (?:or replace )?(?:recursive )?(function|view|trigger) (\w+)", re.MULTILINE)
COMMENT = re.compile(r"--.*")
DROP = re.compile(r"\bdrop (?:function|view|trigger)\b[^;]*;")
BODY = re.compile(r"as \$\$\n(.*)\$\$;", re.DOTALL)
OBJECTS = """
    select 'functions/' || proname from pg_proc where pronamespace = 'public'::regnamespace
     union all
    select 'views/' || viewname from pg_views where schemaname = 'public'
     union all
    select 'triggers/' || tgname from pg_trigger where not tgisinternal and tgparentid = 0
     order by 1
"""
BODIES = "select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace"
ROW_VERSIONS = """
    select proname, xmin::text from pg_proc where pronamespace = 'public'::regnamespace
     union all
    select tgname, xmin::text from pg_trigger where not tgisinternal
"""
FUNCTION = "functions/history_actor.sql"
VIEW = "views/operations.sql"


@pytest.fixture
def fresh_database(postgres_server, pooler_port, request):
    fresh = Database(postgres_server, f"fresh_{abs(hash(request.node.name))}", pooler_port)
    fresh.create()
    fresh.migrate()
    return fresh


def edit(monkeypatch, name, change):
    """Change the text of one object in the layer."""
    edited = [
        migrate.SchemaObject(each.name, change(each.text)) if each.name == name else each for each in migrate.objects()
    ]
    monkeypatch.setattr(migrate, "objects", lambda: edited)


def with_one_more_column(view):
    return re.sub(r"(as place|segments\.segment_id)(?=\n +from )", r"\1, 1 as added", view)


def query(of, statement):
    with connect(of.owner_url) as owner:
        return owner.execute(statement).fetchall()


def test_each_object_of_the_database_has_a_file_of_its_name(owner):
    in_database = [f"{name}.sql" for (name,) in owner.execute(OBJECTS).fetchall()]

    assert in_database == sorted(each.name for each in migrate.objects())


@pytest.mark.parametrize("each", migrate.objects(), ids=lambda each: each.name)
def test_file_defines_its_object_and_no_other(each):
    [(kind, name)] = DEFINITION.findall(each.text)

    assert each.name == f"{kind}s/{name}.sql"
    assert each.text.startswith("-- ")


def test_function_in_the_database_has_the_text_of_its_file(owner):
    texts = {each.name: BODY.search(each.text)[1] for each in migrate.objects() if each.name.startswith("functions/")}

    assert {f"functions/{name}.sql": body.lstrip("\n") for name, body in owner.execute(BODIES).fetchall()} == texts


def test_files_applied_once_more_change_nothing(fresh_database):
    before = dump_schema(fresh_database)
    with connect(fresh_database.owner_url) as owner:
        owner.execute("truncate schema_objects")

    outcome = fresh_database.migrate()

    assert outcome["applied"] == [each.name for each in migrate.objects()]
    assert dump_schema(fresh_database) == before


@pytest.mark.parametrize("step", migrate.migrations(), ids=lambda step: step.name)
def test_migration_neither_creates_nor_calls_an_object(step):
    statements = DROP.sub("", COMMENT.sub("", step.text))
    functions = "|".join(
        each.name.split("/")[1].removesuffix(".sql") for each in migrate.objects() if "fun" in each.name
    )

    assert DEFINITION.findall(statements) == []
    assert re.findall(rf"\b(?:{functions})\s*\(", statements) == []


def test_edited_file_is_applied_and_no_other(fresh_database, monkeypatch):
    before = dict(query(fresh_database, ROW_VERSIONS))
    edit(monkeypatch, FUNCTION, lambda text: text.replace("as $$\n", "as $$\n    -- edited\n"))

    assert fresh_database.migrate()["applied"] == [FUNCTION]

    after = dict(query(fresh_database, ROW_VERSIONS))
    assert {name for name in after if after[name] != before[name]} == {"history_actor"}
    assert "-- edited" in dict(query(fresh_database, BODIES))["history_actor"]
    assert fresh_database.migrate()["applied"] == []


def test_files_are_applied_together_or_not_at_all(fresh_database, monkeypatch):
    edit(monkeypatch, FUNCTION, lambda text: text.replace("as $$\n", "as $$\n    -- edited\n"))
    edit(monkeypatch, "triggers/users_admit.sql", lambda text: text.replace("on users", "on nothing"))

    with pytest.raises(psycopg.errors.UndefinedTable):
        fresh_database.migrate()

    assert "-- edited" not in dict(query(fresh_database, BODIES))["history_actor"]


def test_function_may_call_one_whose_file_comes_later(fresh_database, monkeypatch):
    first = migrate.SchemaObject(
        "functions/a.sql", "create or replace function a() returns int language sql as 'select z()'"
    )
    last = migrate.SchemaObject(
        "functions/z.sql", "create or replace function z() returns int language sql as 'select 7'"
    )
    monkeypatch.setattr(migrate, "objects", lambda: [first, last])

    fresh_database.migrate()

    assert query(fresh_database, "select a()") == [(7,)]


def test_view_can_gain_a_column_and_lose_it_again(fresh_database, monkeypatch):
    before = dump_schema(fresh_database)
    with monkeypatch.context() as newer:
        edit(newer, VIEW, with_one_more_column)
        assert fresh_database.migrate()["applied"] == [VIEW]

    assert fresh_database.migrate()["applied"] == [VIEW]
    assert dump_schema(fresh_database) == before


def test_object_without_a_file_stays_and_a_restored_file_is_applied(fresh_database, monkeypatch):
    others = [each for each in migrate.objects() if each.name != FUNCTION]
    with monkeypatch.context() as without:
        without.setattr(migrate, "objects", lambda: others)
        assert fresh_database.migrate()["applied"] == []

    assert "history_actor" in dict(query(fresh_database, BODIES))
    assert fresh_database.migrate()["applied"] == [FUNCTION]


def test_trigger_whose_table_is_in_use_rolls_back_all_changes(fresh_database, monkeypatch):
    edit(monkeypatch, "triggers/users_admit.sql", lambda text: f"{text}-- edited\n")
    edit(monkeypatch, FUNCTION, lambda text: text.replace("as $$\n", "as $$\n    -- edited\n"))
    monkeypatch.setattr(migrate, "LOCK_PAUSE_SECONDS", 0)
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "20ms")

    with connect(fresh_database.owner_url) as writer, writer.transaction():
        writer.execute("insert into users (user_id) values (1)")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            fresh_database.migrate()

    assert "-- edited" not in dict(query(fresh_database, BODIES))["history_actor"]


def test_locks_of_one_transaction_share_one_lock_timeout(owner):
    with owner.transaction():
        migrate._be_brief(owner, locks=4)

        assert owner.execute("select current_setting('lock_timeout')").fetchall() == [("250ms",)]
