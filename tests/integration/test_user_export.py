"""The export of a user has everything that is kept of the user."""

import json
import tracemalloc

import pytest
from psycopg import OperationalError

from segmentation.contract.problems import StorageUnavailable, UserUnknown
from segmentation.domain import users
from segmentation.reports import erasure, storage, user_export

NOT_EXPORTED = {"import_lines": "the lines of a running import, dropped when its job ends"}
"""Tables with a user_id that the export leaves out, and the reason."""


@pytest.fixture
def export(connection, aws):
    """Export a user. Return the answer, the name of the file and its objects."""

    def create(user_id=1):
        answer = user_export.create(connection, user_id)
        name = answer.report_link.partition("?")[0].rpartition("/")[2]
        return answer, name, [json.loads(line) for line in aws.text(name).splitlines()]

    return create


@pytest.fixture
def known_user(make_segments, create, change):
    """User 1 is in a segment for a day, was in another one, and stays out of a percent segment by hand."""
    make_segments("AVITO_30", "AVITO_50")
    change(1, add_segments=["AVITO_30", "AVITO_50"], ttl=86400)
    create("AVITO_70", 100)
    change(1, delete_segments=["AVITO_50", "AVITO_70"], comment="ticket 4711")
    change(2, add_segments=["AVITO_30"])


@pytest.mark.usefixtures("known_user")
def test_export_has_a_line_for_everything_that_is_kept(export):
    answer, name, lines = export()

    assert answer.rows == len(lines)
    assert name.startswith("user-1-export-")
    assert [(line["kind"], line.get("slug"), line.get("operation")) for line in lines] == [
        ("user", None, None),
        ("membership", "AVITO_30", None),
        ("rollout_override", "AVITO_70", None),
        *(("operation", slug, letter) for slug, letter in sorted_operations(lines)),
    ]
    assert {line["user_id"] for line in lines} == {1}
    assert {line["comment"] for line in lines if line.get("operation") == "D"} == {"ticket 4711"}
    assert [line["executed_at"] for line in lines[3:]] == sorted(line["executed_at"] for line in lines[3:])


def sorted_operations(lines):
    found = [(line["slug"], line["operation"]) for line in lines if line["kind"] == "operation"]
    assert sorted(found) == [
        ("AVITO_30", "I"),
        ("AVITO_50", "D"),
        ("AVITO_50", "I"),
        ("AVITO_70", "D"),
        ("AVITO_70", "I"),
    ]
    return found


def test_every_table_with_a_user_is_exported_or_named_with_a_reason(owner):
    tables = owner.execute(
        """
        select pg_class.relname
          from pg_attribute
          join pg_class on pg_class.oid = pg_attribute.attrelid
         where pg_class.relnamespace = 'public'::regnamespace and pg_class.relkind in ('r', 'p')
           and not pg_class.relispartition and pg_attribute.attname like '%%user_id%%' and not pg_attribute.attisdropped
        """
    )

    assert {table for (table,) in tables} == user_export.LINES_OF.keys() | NOT_EXPORTED.keys()
    assert not user_export.LINES_OF.keys() & NOT_EXPORTED.keys()
    assert all(NOT_EXPORTED.values())


@pytest.mark.usefixtures("known_user")
def test_export_of_a_deleted_user_is_the_history(connection, export):
    users.delete(connection, 1, actor="admin")

    _, _, lines = export()

    assert {line["kind"] for line in lines} == {"operation"}
    assert lines[-1]["reason"] == "user_deleted"


@pytest.mark.usefixtures("known_user")
def test_erasure_removes_the_exports(connection, export, aws):
    export()
    export()

    erasure.erase(connection, 1, actor="admin")

    assert aws.names() == []
    with pytest.raises(UserUnknown):
        export()


def test_export_of_an_unknown_user_stores_nothing(export, aws):
    with pytest.raises(UserUnknown):
        export(7)

    assert aws.names() == []


@pytest.mark.usefixtures("known_user")
def test_route_of_reports_opens_no_export(export):
    _, name, _ = export()

    with pytest.raises(storage.ReportUnknown):
        storage.link_to_existing(name)


@pytest.mark.usefixtures("known_user")
def test_storage_that_is_away_is_a_problem(export, aws):
    aws.s3.delete_bucket(Bucket="reports")

    with pytest.raises(StorageUnavailable):
        export()


@pytest.fixture
def long_history(superuser):
    superuser.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        select 1, 1, 'AVITO_30', 1 + number % 2, 'manual', 'analyst', now() - number * interval '1 second'
          from generate_series(1, 40000) number
        """
    )


@pytest.mark.usefixtures("long_history")
def test_large_export_is_stored_part_by_part(connection, export, aws, monkeypatch):
    uploaded = []
    upload_part = storage.upload_part
    monkeypatch.setattr(user_export, "PART_BYTES", 6 * 1024 * 1024)
    monkeypatch.setattr(storage, "upload_part", lambda *part: uploaded.append(len(part[3])) or upload_part(*part))

    _, _, lines = export()

    assert len(lines) == 40_000
    assert len(uploaded) == 2
    assert aws.uploads() == []


SESSION_OF_THE_EXPORT = """
    select pg_stat_activity.pid, pg_stat_activity.backend_xmin
      from pg_stat_activity
      join pg_locks on pg_locks.pid = pg_stat_activity.pid
     where pg_locks.locktype = 'advisory' and pg_locks.classid = 4
"""


@pytest.fixture
def at_each_part(monkeypatch):
    """Make a long history an upload of several parts, and call a function before each of them."""
    upload_part = storage.upload_part

    def call(function):
        monkeypatch.setattr(user_export, "PART_BYTES", 6 * 1024 * 1024)
        monkeypatch.setattr(storage, "upload_part", lambda *part: function() or upload_part(*part))

    return call


@pytest.mark.usefixtures("long_history")
def test_export_holds_the_lock_and_no_snapshot_during_the_upload(owner, export, at_each_part):
    sessions = []
    at_each_part(lambda: sessions.extend(owner.execute(SESSION_OF_THE_EXPORT).fetchall()))

    export()

    assert [xmin for _, xmin in sessions] == [None, None]


@pytest.mark.usefixtures("long_history")
def test_upload_that_fails_is_aborted(export, aws, at_each_part):
    def fail():
        raise StorageUnavailable

    at_each_part(fail)

    with pytest.raises(StorageUnavailable):
        export()

    assert (aws.names(), aws.uploads()) == ([], [])


@pytest.mark.direct(reason="stops the server's process of its session")
@pytest.mark.usefixtures("long_history")
def test_export_that_loses_the_lock_stores_nothing(superuser, export, aws, at_each_part):
    def end_session():
        [(pid, _)] = superuser.execute(SESSION_OF_THE_EXPORT).fetchall()
        superuser.execute("select pg_terminate_backend(%s, 60000)", (pid,))

    at_each_part(end_session)

    with pytest.raises(OperationalError):
        export()

    assert (aws.names(), aws.uploads()) == ([], [])


@pytest.mark.usefixtures("long_history")
def test_memory_of_an_export_is_a_small_share_of_the_history(connection, aws, monkeypatch):
    monkeypatch.setattr(user_export, "PART_BYTES", 64 * 1024)
    monkeypatch.setattr(storage, "upload_part", lambda *_: "tag")
    monkeypatch.setattr(storage, "complete_upload", lambda *_: None)
    user_export.create(connection, 1)  # imports
    tracemalloc.start()

    user_export.create(connection, 1)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 1024 * 1024
