"""The changes that the service confirmed to clients, compared with the history.

This module uses the standard library only, because the load clients have their own environment.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

AT_ONCE = "at-once"
"""The caller that changes many users at once. Its answers do not say which users changed."""


@dataclass
class Told:
    """The confirmed changes: membership changes by user, those of many users, and the registered users."""

    added: Counter[int] = field(default_factory=Counter)
    deleted: Counter[int] = field(default_factory=Counter)
    lifetimes: Counter[int] = field(default_factory=Counter)
    users: list[int] = field(default_factory=list)
    added_at_once: int = 0
    deleted_at_once: int = 0

    def join(self, other: "Told") -> "Told":
        return Told(
            self.added + other.added,
            self.deleted + other.deleted,
            self.lifetimes + other.lifetimes,
            self.users + other.users,
            self.added_at_once + other.added_at_once,
            self.deleted_at_once + other.deleted_at_once,
        )

    def change(self, user_id: int, answer: dict[str, int]) -> None:
        """Add the response to a membership change."""
        self.added[user_id] += answer["segments_added"]
        self.deleted[user_id] += answer["segments_deleted"]

    def change_at_once(self, answer: dict[str, int]) -> None:
        """Add the response to a change of many users by the caller AT_ONCE."""
        self.added_at_once += answer["users_added"]
        self.deleted_at_once += answer["users_deleted"]


def assert_exactly_once(connection: Any, told: Told) -> None:
    """The history has each confirmed change once, under its user, and no other manual change."""
    assert written(connection, "added") == told.added
    assert written(connection, "deleted") == told.deleted
    assert written(connection, "lifetime_changed") == told.lifetimes
    assert written_at_once(connection) == (told.added_at_once, told.deleted_at_once)
    assert_arrived_once(connection, told.users)


def written(connection: Any, action: str) -> Counter[int]:
    """Count the manual rows of an action in the history, by user."""
    rows = connection.execute(
        """
        select history.user_id, count(*)
          from history
          join actions on actions.action_id = history.action_id
         where history.reason = 'manual' and actions.name = %s and history.actor <> %s
         group by history.user_id
        """,
        (action, AT_ONCE),
    )
    return Counter(dict(rows.fetchall()))


def written_at_once(connection: Any) -> tuple[int, int]:
    """Count the manual entries and exits in the history by the caller AT_ONCE."""
    [counts] = connection.execute(
        """
        select count(*) filter (where history.action_id = 1), count(*) filter (where history.action_id = 2)
          from history
         where history.reason = 'manual' and history.actor = %s
        """,
        (AT_ONCE,),
    ).fetchall()
    return counts


def assert_arrived_once(connection: Any, users: list[int]) -> None:
    """All registered users exist, and no two have the same number."""
    there = {user_id for (user_id,) in connection.execute("select user_id from users")}
    assert len({*users}) == len(users)
    assert {*users} <= there
