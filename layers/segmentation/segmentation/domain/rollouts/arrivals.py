"""Arrivals: block new users while a percent changes, and correct the enrolment of those who arrived meanwhile.

The database decides about a new user in the transaction that creates the user.
"""

from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, scalar_row


@dataclass(frozen=True)
class Base:
    """The start of the rule for arrivals: the arrivals so far, the users, and the users the percent has enrolled."""

    arrivals: int
    users: int
    enrolled: int


@dataclass(frozen=True)
class NewUsers:
    """The users who arrived since a count, and the enrolled users among them."""

    users: int
    enrolled: int


def block(connection: Connection) -> int:
    """Wait for the users who are arriving, block others until the transaction ends, and return the arrivals so far."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [arrivals] = cursor.execute("select population.arrivals from population for update").fetchall()
    return int(arrivals)


# The users who arrived since the count, and the ctid of the membership that the percent gave each. They are few, so
# "offset 0" looks them up one by one. A join might read all members for each of them.
_SINCE_COUNT: LiteralString = """
    with arrived as (
        select users.user_id, member.ctid as row_id
          from users
          left join lateral (
               select memberships.ctid
                 from memberships
                where memberships.user_id = users.user_id and memberships.segment_id = %(segment_id)s::integer
                  and memberships.source = 'percent'
               offset 0) member on true
         where users.ordinal >= %(since)s::bigint)
    """

_COUNT: LiteralString = "select count(*) as users, count(arrived.row_id) as enrolled from arrived"

_RELEASE: LiteralString = """
    delete from memberships
     where memberships.ctid = any (array(
           select arrived.row_id
             from arrived
            where arrived.row_id is not null
            order by hashint8extended(arrived.user_id, %(salt)s::bigint) desc
            limit %(users)s::bigint))
    """


def count(connection: Connection, segment_id: int, since: int) -> NewUsers:
    """Count the users who arrived since a number of arrivals, and the enrolled users among them."""
    with connection.cursor(row_factory=class_row(NewUsers)) as cursor:
        [new_users] = cursor.execute(_SINCE_COUNT + _COUNT, {"segment_id": segment_id, "since": since}).fetchall()
    return new_users


def release(connection: Connection, segment_id: int, salt: int, since: int, users: int) -> int:
    """Release so many of these enrolled users, the last in the segment's order first. Return how many were released."""
    parameters = {"segment_id": segment_id, "salt": salt, "since": since, "users": users}
    return connection.execute(_SINCE_COUNT + _RELEASE, parameters).rowcount


def open_rollout(connection: Connection, segment_id: int, percent: float, base: Base, job_id: UUID | None) -> int:
    """Make the database decide about later arrivals, and about those since the base.

    Return how many of the latter it enrolled.
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        [enrolled] = cursor.execute(
            "select open_rollout(%s::integer, %s::numeric, %s::bigint, %s::bigint, %s::bigint, %s::uuid)",
            (segment_id, percent, base.users, base.arrivals, base.enrolled, job_id),
        ).fetchall()
    return int(enrolled)
