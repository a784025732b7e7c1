"""Arrivals: hold new users back while a percent changes, level those who arrived meanwhile, and repair their numbers.

The database decides about a new user in the transaction that creates the user.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.errors import LockNotAvailable
from psycopg.rows import class_row, scalar_row

from segmentation.runtime.log import logger


@dataclass(frozen=True)
class Base:
    """The start of the rule for arrivals: the next number, the users, and the users the percent has enrolled."""

    arrivals: int
    users: int
    enrolled: int


@dataclass(frozen=True)
class NewUsers:
    """The users who arrived in a range of numbers, and the enrolled users among them."""

    users: int
    enrolled: int

    def plus(self, later: "NewUsers") -> "NewUsers":
        """Return the sum of two counts, of ranges that follow each other."""
        return NewUsers(self.users + later.users, self.enrolled + later.enrolled)


def settle(connection: Connection) -> int:
    """Wait for the users who are arriving. Return the number below which all arrivals are settled.

    Other users arrive meanwhile.
    """
    return _number(connection, "select settle_arrivals()")


def hold(connection: Connection) -> int:
    """Wait for the users who are arriving, block others until the transaction ends, and return the next number."""
    return _number(connection, "select hold_arrivals()")


def _number(connection: Connection, query: LiteralString) -> int:
    with connection.cursor(row_factory=scalar_row) as cursor:
        [number] = cursor.execute(query).fetchall()
    return int(number)


# The users who arrived in a range of numbers, and the membership of each. They are few, so "offset 0" looks them up one
# by one. A join might read all members for each of them.
_ARRIVED: LiteralString = """
    with arrived as (
        select users.user_id, member.row_id, member.source
          from users
          left join lateral (
               select memberships.ctid as row_id, memberships.source
                 from memberships
                where memberships.user_id = users.user_id and memberships.segment_id = %(segment_id)s::integer
                  and (memberships.expires_at is null or memberships.expires_at > (select clock_now()))
               offset 0) member on true
         where users.ordinal >= %(first)s::bigint and users.ordinal < %(end)s::bigint)
    """

_COUNT: LiteralString = """
    select count(*) as users, count(*) filter (where arrived.source = 'percent') as enrolled from arrived
    """

_ENROL: LiteralString = """
    insert into memberships (user_id, segment_id, added_at, source)
    select arrived.user_id, %(segment_id)s::integer, (select next_moment() from check_keys_by_index()), 'percent'
      from arrived
     where arrived.row_id is null
       and not exists (
           select from rollout_overrides
            where rollout_overrides.user_id = arrived.user_id
              and rollout_overrides.segment_id = %(segment_id)s::integer
              and not rollout_overrides.included)
     order by rollout_rank(arrived.user_id, %(salt)s::bigint)
     limit %(users)s::bigint
        on conflict do nothing
    """

_RELEASE: LiteralString = """
    delete from memberships
     where memberships.ctid = any (array(
           select arrived.row_id
             from arrived
            where arrived.source = 'percent'
            order by rollout_rank(arrived.user_id, %(salt)s::bigint) desc
            limit %(users)s::bigint))
    """


def count(connection: Connection, segment_id: int, first: int, end: int) -> NewUsers:
    """Count the users who arrived in a half-open range of numbers, and the enrolled users among them."""
    if first == end:
        return NewUsers(0, 0)
    parameters = {"segment_id": segment_id, "first": first, "end": end}
    with connection.cursor(row_factory=class_row(NewUsers)) as cursor:
        [new_users] = cursor.execute(_ARRIVED + _COUNT, parameters).fetchall()
    return new_users


def enrol_or_release(connection: Connection, segment_id: int, salt: int, first: int, end: int, change: int) -> int:
    """Enrol a number of the users who arrived in a range of numbers, or release them if the change is negative.

    Users enter in the segment's order, and leave in the opposite order. Return the change that was made.
    """
    parameters = {"segment_id": segment_id, "salt": salt, "first": first, "end": end, "users": abs(change)}
    if change > 0:
        return connection.execute(_ARRIVED + _ENROL, parameters).rowcount
    return -connection.execute(_ARRIVED + _RELEASE, parameters).rowcount


def open_rollout(
    connection: Connection, segment_id: int, percent: float | Decimal, base: Base, job_id: UUID | None
) -> None:
    """Make the database decide about arrivals from the base on. The caller holds arrivals back."""
    connection.execute(
        "select open_rollout(%s::integer, %s::numeric, %s::bigint, %s::bigint, %s::bigint, %s::uuid)",
        (segment_id, percent, base.users, base.arrivals, base.enrolled, job_id),
    )


def repair(connection: Connection) -> None:
    """Repair the gaps that rolled-back arrivals left in the numbers.

    If an arrival stays open too long to wait for it, a later call repairs them.
    """
    try:
        connection.execute("select repair_arrivals()")
    except LockNotAvailable:
        logger.warning("gaps in the numbers of new users could not be repaired: a user is still arriving")
