"""The comment of a request is stored once, and each row that the request causes refers to it."""

import psycopg
import pytest

COMMENTS = """
    select history.user_id, history.action_id, history.reason::text, causes.comment
      from history
      left join causes on causes.cause_id = history.cause_id
     order by history.history_id
    """
CHANGE = "select change_user_segments(%s, %s, %s, %s, null, null, null, with_comment('anna', %s))"


@pytest.fixture
def comments(owner):
    """The user, the action, the reason and the comment of each history row."""
    return lambda: owner.execute(COMMENTS).fetchall()


@pytest.fixture
def causes(owner):
    """All stored comments."""
    return lambda: [comment for (comment,) in owner.execute("select comment from causes order by cause_id")]


def test_rows_of_one_request_share_one_comment(connection, make_segments, comments, causes):
    make_segments("AVITO_30", "AVITO_50")
    connection.execute(CHANGE, (1, ["AVITO_30"], [], None, None))

    connection.execute(CHANGE, (1, ["AVITO_50"], ["AVITO_30"], None, "ticket 4711"))

    assert causes() == ["ticket 4711"]
    assert comments() == [(1, 1, "manual", None), (1, 2, "manual", "ticket 4711"), (1, 1, "manual", "ticket 4711")]


def test_request_that_changes_nothing_stores_no_comment(connection, make_segments, causes):
    make_segments("AVITO_30", "AVITO_50")
    connection.execute(CHANGE, (1, ["AVITO_30"], [], None, None))

    connection.execute(CHANGE, (1, ["AVITO_30"], ["AVITO_50"], None, "ticket 4711"))

    assert causes() == []


def test_request_after_one_with_a_comment_has_none(connection, make_segments, comments):
    make_segments("AVITO_30", "AVITO_50")
    with connection.transaction():
        connection.execute(CHANGE, (1, ["AVITO_30"], [], None, "ticket 4711"))
        connection.execute(CHANGE, (1, ["AVITO_50"], [], None, None))

    assert [row[-1] for row in comments()] == ["ticket 4711", None]


def test_rolled_back_row_leaves_the_comment_to_the_next(connection, make_segments, comments, causes):
    make_segments("AVITO_30")
    with connection.transaction():
        with connection.transaction(force_rollback=True):
            connection.execute(CHANGE, (1, ["AVITO_30"], [], None, "ticket 4711"))
        connection.execute(CHANGE, (1, ["AVITO_30"], [], None, "ticket 4711"))

    assert causes() == ["ticket 4711"]
    assert [row[-1] for row in comments()] == ["ticket 4711"]


def test_end_of_a_lifetime_within_a_request_has_no_comment(connection, make_segments, expire, comments):
    make_segments("AVITO_30")
    connection.execute(CHANGE, (1, ["AVITO_30"], [], 3600, None))
    expire(1, "AVITO_30")

    connection.execute(CHANGE, (1, [], ["AVITO_30"], None, "ticket 4711"))

    assert comments()[-1] == (1, 2, "ttl", None)


def test_new_membership_in_the_place_of_an_expired_one_has_the_comment(
    connection, make_segments, expire, comments, causes
):
    make_segments("AVITO_30")
    connection.execute(CHANGE, (1, ["AVITO_30"], [], 3600, None))
    expire(1, "AVITO_30")

    connection.execute(CHANGE, (1, ["AVITO_30"], [], None, "ticket 4711"))

    assert comments()[1:] == [(1, 2, "ttl", None), (1, 1, "manual", "ticket 4711")]
    assert causes() == ["ticket 4711"]


def test_new_user_whom_a_percent_enrols_meanwhile_has_no_comment_there(connection, create, make_segments, comments):
    create("AVITO_ALL", 100)
    make_segments("AVITO_30")

    connection.execute(CHANGE, (1, ["AVITO_30"], [], None, "ticket 4711"))

    assert comments() == [(1, 1, "percent", None), (1, 1, "manual", "ticket 4711")]


@pytest.mark.parametrize("text", ["", "x" * 501, "tab\there", "\x7f", "\x85", "carriage\rreturn"])
def test_database_refuses_a_comment_against_the_rules(owner, text):
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute("insert into causes (comment) values (%s)", (text,))


@pytest.mark.parametrize("text", ["x", "é" * 500, "two\nlines", " "])
def test_database_stores_a_comment_within_the_rules(connection, make_segments, causes, text):
    make_segments("AVITO_30")

    connection.execute(CHANGE, (1, ["AVITO_30"], [], None, text))

    assert causes() == [text]


def test_new_month_has_the_comment_and_its_index(owner, connection, make_segments, comments):
    make_segments("AVITO_30")
    owner.execute("select create_history_partitions('2019-03-01', 1)")
    owner.execute("insert into causes (comment) values ('an old ticket')")
    owner.execute(
        """
        insert into history (user_id, segment_id, slug, action_id, reason, actor, cause_id, executed_at)
        select 1, 1, 'AVITO_30', 1, 'manual', 'anna', causes.cause_id, '2019-03-03' from causes
        """
    )

    indexes = owner.execute("select indexdef from pg_indexes where tablename = 'history_2019_03'").fetchall()

    assert comments() == [(1, 1, "manual", "an old ticket")]
    assert sum("cause_id IS NOT NULL" in definition for (definition,) in indexes) == 1


def test_detached_month_keeps_its_rows_and_can_return(owner, make_segments, comments):
    make_segments("AVITO_30")
    owner.execute("select create_history_partitions('2019-03-01', 1)")
    owner.execute("alter table history detach partition history_2019_03")
    owner.execute("alter table history_2019_03 drop column cause_id")  # detached before the release with comments

    owner.execute("alter table history_2019_03 add column cause_id bigint")
    owner.execute(
        "alter table history attach partition history_2019_03 for values from ('2019-03-01Z') to ('2019-04-01Z')"
    )

    assert comments() == []


def test_row_without_a_comment_takes_no_more_space(owner):
    rows = "pg_column_size(row(1::bigint, 1, 'AVITO_30'::text, 1, 'manual'::reason, 'anna'::text, null, now(), null{}))"

    [sizes] = owner.execute(f"select {rows.format('')}, {rows.format(', null::bigint')}".encode()).fetchall()

    assert sizes[0] == sizes[1]
