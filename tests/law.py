"""The law: for each user and segment, the history alternates entry and exit in time order.

The replayed history is equal to the results of all reads.
"""

from collections.abc import Iterable
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from segmentation.domain import memberships, segments
from tests.reads import segments_of

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


def listed(connection: Connection[Any], slug: str) -> list[int]:
    """List the members of a segment, page by page."""
    found: list[int] = []
    follows = True
    while follows:
        page = segments.list_members(connection, slug, after=found[-1] if found else 0, limit=LONGEST_PAGE)
        found += [member.user_id for member in page.users]
        follows = page.next_cursor is not None
    return found
