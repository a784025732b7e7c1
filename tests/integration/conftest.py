"""Fixtures for the usual steps of a database test."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from segmentation.contract.requests import MembershipChange, NewSegment, SegmentChange
from segmentation.contract.responses import MembershipsChanged
from segmentation.database.connection import connect
from segmentation.domain import memberships, segments
from tests.conftest import Database
from tests.integration.fix_jobs import deliver as deliver
from tests.integration.fix_jobs import deliver_to_dying_worker as deliver_to_dying_worker
from tests.integration.fix_jobs import expected as expected
from tests.integration.fix_jobs import fail as fail
from tests.integration.fix_jobs import filled_month as filled_month
from tests.integration.fix_jobs import lines as lines
from tests.integration.fix_jobs import order as order
from tests.integration.fix_jobs import small_batches as small_batches
from tests.reads import segments_of


@pytest.fixture
def behind_a_pooler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open new connections as a pooler requires."""
    monkeypatch.setenv("DATABASE_POOLED", "true")


@pytest.fixture
def make_segments(connection: Connection) -> Callable[..., None]:
    def make(*slugs: str) -> None:
        for slug in slugs:
            segments.create(connection, NewSegment(slug=slug), actor="analyst")

    return make


@pytest.fixture
def arrive(connection: Connection) -> Callable[..., None]:
    """Insert users with ascending ids in one statement."""

    def users(count: int, *, after: int = 0) -> None:
        connection.execute(
            "insert into users (user_id) select %s + number from generate_series(1, %s) number", (after, count)
        )

    return users


@pytest.fixture
def create(connection: Connection) -> Callable[..., Any]:
    """Create a segment with a percent as 'analyst'."""

    def create_segment(slug: str, percent: float) -> Any:
        return segments.create(connection, NewSegment(slug=slug, user_percent=percent), actor="analyst")

    return create_segment


@pytest.fixture
def set_percent(connection: Connection) -> Callable[..., Any]:
    """Change a segment's percent as 'analyst'."""

    def set_percent_of(slug: str, percent: float | None) -> Any:
        return segments.update(connection, slug, SegmentChange(user_percent=percent), actor="analyst")

    return set_percent_of


@pytest.fixture
def automatic_members(owner: Connection) -> Callable[[str], set[int]]:
    """The users that a percent has enrolled in a segment."""

    def users(slug: str) -> set[int]:
        rows = owner.execute(
            """
            select memberships.user_id
              from memberships
              join segments on segments.segment_id = memberships.segment_id
             where segments.slug = %s and segments.deleted_at is null and memberships.source = 'percent'
            """,
            (slug,),
        )
        return {user_id for (user_id,) in rows}

    return users


@pytest.fixture
def change(connection: Connection) -> Callable[..., MembershipsChanged]:
    """Change a user's memberships as 'analyst'."""

    def change_memberships(user_id: int, **members: Any) -> MembershipsChanged:
        wanted = MembershipChange.model_validate({"user_id": user_id, **members})
        return memberships.change(connection, wanted, actor="analyst")

    return change_memberships


@pytest.fixture
def slugs_of(connection: Connection) -> Callable[[int], list[str]]:
    def slugs(user_id: int) -> list[str]:
        return [membership.slug for membership in segments_of(connection, user_id)]

    return slugs


@pytest.fixture
def history(owner: Connection) -> Callable[..., list[dict[str, Any]]]:
    """The history, in the order of writing."""

    def rows(user_id: int | None = None) -> list[dict[str, Any]]:
        with owner.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(
                """
                select history.user_id, history.slug, actions.operation, history.reason, history.actor, history.percent,
                       history.expires_at, history.executed_at
                  from history
                  join actions on actions.action_id = history.action_id
                 where %(user_id)s::bigint is null or history.user_id = %(user_id)s
                 order by history.history_id
                """,
                {"user_id": user_id},
            ).fetchall()

    return rows


@pytest.fixture
def expire(superuser: Connection) -> Callable[..., None]:
    """Move one membership and its entry into the past, so that its lifetime ended a second ago."""

    def age(user_id: int, slug: str) -> None:
        with superuser.transaction():
            superuser.execute("set local session_replication_role = replica")
            superuser.execute(
                """
                update memberships
                   set added_at = now() - interval '1 hour', expires_at = now() - interval '1 second'
                  from segments
                 where segments.segment_id = memberships.segment_id
                   and memberships.user_id = %s and segments.slug = %s and segments.deleted_at is null
                """,
                (user_id, slug),
            )
            superuser.execute(
                """
                update history
                   set executed_at = memberships.added_at, expires_at = memberships.expires_at
                  from memberships
                  join segments on segments.segment_id = memberships.segment_id
                 where memberships.user_id = %s and segments.slug = %s
                   and history.user_id = memberships.user_id and history.segment_id = memberships.segment_id
                   and history.history_id = (select max(latest.history_id) from history latest
                                              where latest.user_id = memberships.user_id
                                                and latest.segment_id = memberships.segment_id)
                """,
                (user_id, slug),
            )

    return age


@pytest.fixture
def at_once(empty_database: Database) -> Callable[..., list[Any]]:
    """Run actions at the same moment, each with its own connection."""

    def run(*actions: Callable[[Connection], Any]) -> list[Any]:
        barrier = threading.Barrier(len(actions))

        def one(action: Callable[[Connection], Any]) -> Any:
            with connect(empty_database.url) as own:
                barrier.wait(timeout=60)
                return action(own)

        with ThreadPoolExecutor(len(actions)) as pool:
            return [future.result() for future in [pool.submit(one, action) for action in actions]]

    return run
