"""The law: for each user and segment, the history alternates entry and exit in time order.

The replayed history is equal to the results of all reads.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row, tuple_row

from segmentation.domain import memberships, segments
from tests.reads import segments_of, sizes_of

LONGEST_PAGE = 1000


def check(connection: Connection[Any]) -> None:
    """Check the law for the whole database in one snapshot."""
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("set transaction isolation level repeatable read")
        users = [user_id for (user_id,) in cursor.execute("select user_id from users order by 1")]
        live = live_segments(connection)
        assert replayed(connection, live) == read(connection, users, live.values())


def live_segments(connection: Connection[Any]) -> dict[int, str]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return dict(cursor.execute("select segment_id, slug from segments where deleted_at is null").fetchall())


def replayed(connection: Connection[Any], live: dict[int, str]) -> set[tuple[int, str]]:
    """Replay the history in the order of its rows, and return the resulting members of each segment."""
    inside = set()
    for key, rows in _operations(connection).items():
        letters = "".join(letter for letter, _ in rows)
        assert letters == ("ID" * len(letters))[: len(letters)], f"{key} does not alternate: {letters}"
        moments = [moment for _, moment in rows]
        assert moments == sorted(moments), f"{key} is not in time order"
        if letters.endswith("I"):
            inside.add((key[0], live[key[1]]))
    return inside


def _operations(connection: Connection[Any]) -> dict[tuple[int, int], list[tuple[str, Any]]]:
    found: dict[tuple[int, int], list[tuple[str, Any]]] = {}
    with connection.cursor(row_factory=tuple_row) as cursor:
        for user_id, segment_id, letter, moment in cursor.execute(
            """
            select operations.user_id, operations.segment_id, actions.operation, operations.executed_at
              from operations
              join actions on actions.action_id = operations.action_id
             where actions.operation in ('I', 'D')
             order by operations.history_id
            """
        ):
            found.setdefault((user_id, segment_id), []).append((letter, moment))
    return found


def read(connection: Connection[Any], users: list[int], slugs: Iterable[str]) -> set[tuple[int, str]]:
    """Return the members of each segment, and check that all kinds of reads agree."""
    by_user = {(user_id, one.slug) for user_id in users for one in segments_of(connection, user_id)}
    batch = memberships.list_for_users(connection, users).users
    assert {(found.user_id, slug) for found in batch for slug in found.segments} == by_user
    by_segment: dict[str, list[int]] = {}
    for user_id, slug in sorted(by_user):
        by_segment.setdefault(slug, []).append(user_id)
    for slug in slugs:
        members = by_segment.get(slug, [])
        assert listed(connection, slug) == members
        assert segments.get(connection, slug).members == len(members)
    return by_user


def folded(connection: Connection[Any]) -> dict[int, dict[str, Any]]:
    """Fold the change log of each segment into the row that it leaves, in the order of its instants."""
    rows: dict[int, dict[str, Any]] = {}
    for each in _changes(connection):
        row = rows.setdefault(each["segment_id"], {"changed_at": each["changed_at"], "change": None})
        assert each["changed_at"] >= row["changed_at"], f"the log of {each['segment_id']} goes back"
        assert (row["change"], each["change"]) in FOLLOWS, f"{each['change']} follows {row['change']}"
        for name, value in (each["before"] or {}).items():
            assert row.get(name) == value, f"{name} was {row.get(name)}, and the log says {value}"
        kept = {} if each["change"] == "created" else row
        rows[each["segment_id"]] = (
            kept | (each["after"] or {}) | {name: each[name] for name in ("changed_at", "change")}
        )
    return {segment_id: _without_nulls(row) for segment_id, row in rows.items()}


FOLLOWS = {(None, "created")} | {
    (before, after) for before in ("created", "changed") for after in ("changed", "deleted")
}


def _changes(connection: Connection[Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from segment_changes order by segment_id, change_id").fetchall()


def segment_rows(connection: Connection[Any]) -> dict[int, dict[str, Any]]:
    """Return each segment as folding its log gives it."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            select segment_id, slug, description, owner, user_percent::float,
                   coalesce(deleted_at, updated_at) as changed_at,
                   case when deleted_at is not null then 'deleted' when updated_at > created_at then 'changed'
                        else 'created' end as change
              from segments
            """
        ).fetchall()
    return {row.pop("segment_id"): _without_nulls(row) for row in found}


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def listed(connection: Connection[Any], slug: str) -> list[int]:
    """List the members of a segment, page by page."""
    found: list[int] = []
    follows = True
    while follows:
        page = segments.list_members(connection, slug, after=found[-1] if found else 0, limit=LONGEST_PAGE)
        found += [member.user_id for member in page.users]
        follows = page.next_cursor is not None
    return found


def sizes_agree(connection: Connection[Any], erased: Iterable[tuple[int, int, date]] = ()) -> None:
    """Check the size of each live segment on each known day: the operations until its end, those of erased users too.

    An operation is a segment, an action and a day.
    """
    operations = [*erased, *_operations_by_day(connection)]
    for segment_id, slug in live_segments(connection).items():
        found = sizes_of(connection, slug)
        on_days = Counter((day, action) for of, action, day in operations if of == segment_id)
        for one in found:
            members = sum(
                times if action == 1 else -times for (day, action), times in on_days.items() if day <= one.day
            )
            expected = (members, on_days[one.day, 1], on_days[one.day, 2])
            assert (one.members, one.added, one.removed) == expected, f"{slug} on {one.day}"
        if found:
            assert [one.day for one in found] == [found[0].day + timedelta(days=n) for n in range(len(found))]
            assert found[-1].members == segments.get(connection, slug).members


def _operations_by_day(connection: Connection[Any]) -> list[tuple[int, int, date]]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(
            """
            select operations.segment_id, operations.action_id, (operations.executed_at at time zone 'UTC')::date
              from operations
             where operations.action_id <= 2
            """
        ).fetchall()


def steps(connection: Connection[Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the steps of each live segment in the order of their ids, with the hours until each, in half hours."""
    found: dict[str, list[dict[str, Any]]] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """
            select segments.slug, segment_steps.user_percent::float as percent, segment_steps.status,
                   round(extract(epoch from segment_steps.due_at - now()) / 1800)::float / 2 as hours
              from segment_steps
              join segments on segments.segment_id = segment_steps.segment_id
             where segments.deleted_at is null
             order by segment_steps.step_id
            """
        ).fetchall()
    for row in rows:
        found.setdefault(row.pop("slug"), []).append(row)
    return found


def check_steps(connection: Connection[Any]) -> None:
    """Check that each step ends once, and that the change log has only steps that were applied, by their planner."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        [(left,)] = cursor.execute(
            """
            select count(*)
              from segment_steps
              join segments on segments.segment_id = segment_steps.segment_id
             where segments.deleted_at is not null and segment_steps.status = 'pending'
            """
        ).fetchall()
        wrong = cursor.execute(
            """
            select segment_changes.change_id
              from segment_changes
              left join segment_steps on segment_steps.step_id = segment_changes.step_id
             where segment_changes.step_id is not null
               and (segment_steps.status, segment_steps.actor, segment_steps.segment_id)
                   is distinct from ('applied', segment_changes.actor, segment_changes.segment_id)
                or segment_changes.step_id is null and segment_changes.actor = 'planner'
            """
        ).fetchall()
        named = cursor.execute("select step_id from segment_changes where step_id is not null").fetchall()
    assert (left, wrong) == (0, [])
    assert len(named) == len(set(named))
