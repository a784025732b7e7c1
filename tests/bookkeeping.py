"""What clients were told of their changes, and that the history has all of it, once, and no more.

Only the standard library: the clients of the load live in an environment of their own.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Told:
    """The changes that clients were told of: of memberships by user, and the users who were registered."""

    added: Counter[int] = field(default_factory=Counter)
    deleted: Counter[int] = field(default_factory=Counter)
    lifetimes: Counter[int] = field(default_factory=Counter)
    users: list[int] = field(default_factory=list)

    def join(self, other: "Told") -> "Told":
        return Told(
            self.added + other.added,
            self.deleted + other.deleted,
            self.lifetimes + other.lifetimes,
            self.users + other.users,
        )

    def change(self, user_id: int, answer: dict[str, int]) -> None:
        """Keep the answer to a change of memberships."""
        self.added[user_id] += answer["segments_added"]
        self.deleted[user_id] += answer["segments_deleted"]


def assert_exactly_once(connection: Any, told: Told) -> None:
    """Every change that a client was told of is in the history once, under its user, and no other change by hand is."""
    assert written(connection, "added") == told.added
    assert written(connection, "deleted") == told.deleted
    assert written(connection, "lifetime_changed") == told.lifetimes
    assert_arrived_once(connection, told.users)


def written(connection: Any, action: str) -> Counter[int]:
    """Count what the history has of an action by hand, by user."""
    rows = connection.execute(
        """
        select history.user_id, count(*)
          from history
          join actions on actions.action_id = history.action_id
         where history.reason = 'manual' and actions.name = %s
         group by history.user_id
        """,
        (action,),
    )
    return Counter(dict(rows.fetchall()))


def assert_arrived_once(connection: Any, users: list[int]) -> None:
    """No two clients were given the same number, and everyone who was is there."""
    there = {user_id for (user_id,) in connection.execute("select user_id from users")}
    assert len({*users}) == len(users)
    assert {*users} <= there
