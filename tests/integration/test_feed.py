"""The feed has each change once, in an order that never changes, however long a writer takes to commit."""

import json
import threading

import psycopg
import pytest
from psycopg import sql

from segmentation.contract.requests import NewOperation
from segmentation.database import settled_ids, transactions
from segmentation.database.connection import connect
from segmentation.domain import actions, expiry, feed, history, users
from tests.feed import fold, follow, page, stored


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Do not wait for writers that this test keeps from their end."""
    monkeypatch.setattr(settled_ids, "newest", impatient_newest(settled_ids.newest))


def impatient_newest(newest):
    return lambda connection: newest(connection, patience_seconds=0)


@pytest.fixture
def members(make_segments, change):
    make_segments("AVITO_30", "AVITO_50")
    change(1, add_segments=["AVITO_30", "AVITO_50"])


@pytest.fixture
def write(migrated_database):
    """Open a transaction that has written the entry of a user, and has not ended yet."""
    opened = []

    def open_transaction(user_id):
        own = connect(migrated_database.url)
        opened.append(own)
        own.autocommit = False
        own.execute("insert into users (user_id) values (%s)", (user_id,))
        own.execute(
            "insert into memberships (user_id, segment_id, added_at) select %s, segment_id, now() from segments",
            (user_id,),
        )
        return own

    yield open_transaction
    for own in opened:
        own.close()


def ids(events):
    return [event.event_id for event in events]


def users_in(events):
    return {event.user_id for event in events}


@pytest.mark.usefixtures("members")
def test_an_event_says_what_happened(connection):
    [event, _] = page(connection).events

    assert event.model_dump(mode="json", exclude={"executed_at"}) == {
        "event_id": 1,
        "event": "added",
        "user_id": 1,
        "slug": "AVITO_30",
        "reason": "manual",
        "actor": "analyst",
        "comment": None,
        "expires_at": None,
    }


@pytest.mark.usefixtures("members")
def test_each_kind_of_change_is_an_event(connection, change):
    actions.create(connection, "exposure")
    history.record(connection, 1, NewOperation(slug="AVITO_30", action="exposure"), actor="backend")
    change(1, delete_segments=["AVITO_50"])

    assert [event.event for event in follow(connection)] == ["added", "added", "exposure", "deleted"]


@pytest.mark.usefixtures("members")
def test_the_comment_of_a_request_is_in_its_events(owner, connection):
    [(cause_id,)] = owner.execute("""insert into causes (comment) values ('of "Q3"\nlaunch') returning cause_id""")
    owner.execute("update history set cause_id = %s where slug = 'AVITO_50'", (cause_id,))

    assert [event.comment for event in follow(connection)] == [None, 'of "Q3"\nlaunch']


@pytest.mark.usefixtures("members")
def test_the_reason_of_an_import_is_in_its_events(connection):
    with transactions.transaction(connection, actor="anna", reason="import"):
        connection.execute("delete from memberships")

    assert [(event.event, event.reason, event.actor) for event in page(connection, after=2).events] == [
        ("deleted", "import", "anna"),
        ("deleted", "import", "anna"),
    ]


@pytest.mark.parametrize("stored_before", [False, True])
@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        ("2023-08-28 10:25:25Z", "2023-08-28T10:25:25Z"),
        ("2023-08-28 10:25:25.1234Z", "2023-08-28T10:25:25.123400Z"),
        ("2023-08-28 10:25:25.000001Z", "2023-08-28T10:25:25.000001Z"),
        ("2023-08-28 13:25:25.123456+03", "2023-08-28T10:25:25.123456Z"),
    ],
)
def test_instants_have_the_form_of_every_answer(superuser, connection, stored_before, instant, shown):
    superuser.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at, expires_at)
        values (9, 1, 'AVITO_30', 1, 'manual', 'dba "x"', %(instant)s, %(instant)s)
        """,
        {"instant": instant},
    )
    if stored_before:
        feed.store_settled(connection)

    [event] = json.loads(feed.list_events(connection, after=0, limit=1))["events"]
    assert (event["executed_at"], event["expires_at"], event["actor"]) == (shown, shown, 'dba "x"')


@pytest.mark.usefixtures("members")
@pytest.mark.parametrize("stored_before", [False, True])
def test_pages_follow_each_other_without_a_gap(connection, change, stored_before):
    for user_id in range(2, 12):
        change(user_id, add_segments=["AVITO_30"])
    if stored_before:
        feed.store_settled(connection)

    assert ids(follow(connection, limit=5)) == [*range(1, 13)]


@pytest.mark.usefixtures("members")
def test_a_full_page_behind_the_stored_id_is_one_statement_without_a_wait(connection, monkeypatch, write):
    feed.store_settled(connection)
    write(2)
    monkeypatch.setattr(settled_ids, "newest", lambda *_: pytest.fail("looked for writers"))

    assert ids(page(connection, limit=2).events) == [1, 2]


@pytest.mark.usefixtures("members")
def test_after_the_newest_event_the_page_is_empty_and_next_after_stays(connection):
    assert page(connection, after=2).model_dump() == {"events": [], "next_after": 2}


def test_the_feed_of_an_empty_history_is_empty(connection):
    assert page(connection).model_dump() == {"events": [], "next_after": 0}


@pytest.mark.usefixtures("members")
def test_events_after_those_of_an_open_transaction_wait_for_its_end(connection, change, write):
    late = write(2)
    change(3, add_segments=["AVITO_30"])
    before = users_in(follow(connection))
    late.commit()

    assert before == set()
    assert [event.user_id for event in follow(connection)] == [1, 1, 2, 2, 3]


@pytest.mark.usefixtures("members")
def test_an_open_transaction_delays_no_event_before_the_stored_id(connection, write):
    feed.store_settled(connection)
    write(2)

    assert users_in(follow(connection)) == {1}


@pytest.mark.usefixtures("members")
def test_a_stored_id_is_never_that_of_an_open_transaction(connection, change, write):
    late = write(2)
    change(3, add_segments=["AVITO_30"])
    feed.store_settled(connection)
    late.commit()

    assert settled_ids.stored(connection) == 0
    assert ids(follow(connection)) == [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("members")
def test_ids_of_an_aborted_transaction_stay_a_gap(connection, change, write):
    write(2).rollback()
    change(3, add_segments=["AVITO_30"])

    assert ids(follow(connection)) == [1, 2, 5]


@pytest.mark.usefixtures("members")
@pytest.mark.parametrize("stored_before", [False, True])
def test_a_gap_of_millions_is_crossed(superuser, connection, change, stored_before):
    superuser.execute("select setval('history_ids', 40000000)")
    if stored_before:
        feed.store_settled(connection)
    change(3, add_segments=["AVITO_30", "AVITO_50"])

    assert ids(follow(connection, limit=3)) == [1, 2, 40000001, 40000002]


@pytest.mark.usefixtures("members")
def test_a_transaction_that_does_not_write_to_the_history_delays_nothing(connection, migrated_database):
    with psycopg.connect(migrated_database.owner_url) as other:
        other.execute("create temporary table unrelated (id integer)")
        other.execute("insert into unrelated values (1)")
        other.execute("select count(*) from history")

        assert users_in(follow(connection)) == {1}


@pytest.mark.usefixtures("members")
def test_rows_written_into_a_partition_by_hand_are_waited_for(superuser, connection, change, migrated_database):
    insert = """
        insert into history_default (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        values (9, 1, 'AVITO_30', 1, 'manual', 'dba', '1999-01-01')
        """
    with psycopg.connect(migrated_database.server.url(database=migrated_database.name)) as by_hand:
        by_hand.execute(insert)
        change(3, add_segments=["AVITO_30"])
        before = users_in(follow(connection))

    assert before == set()
    assert [event.user_id for event in follow(connection)] == [1, 1, 9, 3]


@pytest.mark.usefixtures("members")
def test_a_read_waits_for_a_writer_that_is_about_to_commit(connection, write, monkeypatch):
    monkeypatch.undo()
    late = write(2)
    looked = threading.Event()
    are_writing = settled_ids._are_writing

    def look(*arguments):
        looked.set()
        return are_writing(*arguments)

    monkeypatch.setattr(settled_ids, "_are_writing", look)
    committer = threading.Thread(target=lambda: looked.wait(60) and late.commit())
    committer.start()
    found = follow(connection)
    committer.join()

    assert users_in(found) == {1, 2}


@pytest.mark.usefixtures("members")
def test_an_exit_that_is_due_is_an_event_once_it_is_swept(connection, expire):
    expire(1, "AVITO_30")
    before = [event.event for event in follow(connection)]
    expiry.sweep(connection, go_on=lambda: True)

    assert before == ["added", "added"]
    assert [event.event for event in follow(connection)] == ["added", "added", "deleted"]


@pytest.mark.usefixtures("members")
def test_events_of_an_erased_user_are_gone(connection, change):
    change(2, add_segments=["AVITO_30"])
    users.delete(connection, 1, erase=True, actor="support")

    assert users_in(follow(connection)) == {2}
    assert fold(follow(connection)) == stored(connection) == {(2, "AVITO_30"): None}


@pytest.mark.usefixtures("members")
def test_the_feed_begins_where_the_history_begins(superuser):
    superuser.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        values (9, 1, 'AVITO_30', 1, 'manual', 'dba', '1999-01-01')
        """
    )
    [(month,)] = superuser.execute("""select to_char(now() at time zone 'UTC', '"history_"YYYY_MM')""").fetchall()
    with superuser.transaction(force_rollback=True):
        superuser.execute(sql.SQL("alter table history detach partition {}").format(sql.Identifier(month)))

        assert ids(follow(superuser)) == [3]


def test_the_sequence_of_ids_caches_none(superuser):
    [(cache,)] = superuser.execute("select seqcache from pg_sequence where seqrelid = 'history_ids'::regclass")

    assert cache == 1
