"""Enrol or release the users of a percent segment, one batch per statement.

Each segment orders the users by a salted hash of their ids. Users enrol in ascending and leave in descending order. So
the users of ten percent are among the users of twenty percent, and segments choose independently.
"""

import random
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import class_row

_random = random.SystemRandom()

MAX_HASH = 2**63 - 1


@dataclass(frozen=True)
class Rollout:
    """A segment, the salt of its order of users, the first arrival that it does not cover, and its percent."""

    segment_id: int
    salt: int
    arrivals: int
    percent: float | Decimal


@dataclass(frozen=True)
class Counts:
    """The users that a rollout covers, the enrolled users, those it may release, and those it may enrol."""

    users: int
    enrolled: int
    releasable: int
    enrollable: int


@dataclass(frozen=True)
class Remaining:
    """The users still to enrol (below zero: to release), and the number of candidates not scanned yet."""

    change: int
    candidates: int


@dataclass(frozen=True)
class Batch:
    """The result of a statement: the candidates that it scanned, the last of them, and the users that it changed."""

    candidates: int
    last_user_id: int
    changed: int


def count(connection: Connection, rollout: Rollout) -> Counts:
    """Count the users, the enrolled users, and the candidates of both directions.

    Plain counts do it. A lookup of each user among the members would take as long as enrolling some of them.
    """
    with connection.cursor(row_factory=class_row(Counts)) as cursor:
        [counts] = cursor.execute(
            """
            with covered as materialized (
                select (select count(*) from users)
                       - (select count(*) from users where users.ordinal >= %(arrivals)s::bigint) as users),
            members as materialized (
                select count(*) as total,
                       count(*) filter (where memberships.source = 'percent') as enrolled,
                       count(*) filter (where memberships.source = 'percent'
                                          and rollout_overrides.included is not true) as releasable
                  from memberships
                  join users on users.user_id = memberships.user_id
                  left join rollout_overrides
                    on rollout_overrides.user_id = memberships.user_id
                   and rollout_overrides.segment_id = memberships.segment_id
                 where memberships.segment_id = %(segment_id)s::integer and users.ordinal < %(arrivals)s::bigint
                   and (memberships.expires_at is null or memberships.expires_at > (select clock_now())))
            select covered.users, members.enrolled, members.releasable,
                   covered.users - members.total
                   -- no percent enrols a user removed by hand
                   - (select count(*)
                        from rollout_overrides
                        join users on users.user_id = rollout_overrides.user_id
                       where rollout_overrides.segment_id = %(segment_id)s::integer
                         and not rollout_overrides.included and users.ordinal < %(arrivals)s::bigint) as enrollable
              from members
             cross join covered
            """,
            {"segment_id": rollout.segment_id, "arrivals": rollout.arrivals},
        ).fetchall()
    return counts


def enrol_or_release(
    connection: Connection,
    rollout: Rollout,
    remaining: Remaining,
    *,
    after: int = 0,
    most: int | None = None,
) -> Batch:
    """Scan at most so many candidates after a user id, and make their part of the remaining changes.

    The part is in proportion to the candidates. Without a limit it is all of the changes. The caller's transaction
    holds the segment's lock.
    """
    change_batch = _enrol if remaining.change > 0 else _release
    return change_batch(
        connection,
        {
            "segment_id": rollout.segment_id,
            "salt": rollout.salt,
            "arrivals": rollout.arrivals,
            "changes": abs(remaining.change),
            "candidates": remaining.candidates,
            "after": after,
            "most": most,
            "hash_limit": _hash_limit(rollout, remaining, most or remaining.candidates),
            "draw": _random.random(),
        },
    )


def _hash_limit(rollout: Rollout, remaining: Remaining, candidates: int) -> int:
    """Return the hash below which a batch finds the users that it enrols, with a margin of five standard deviations."""
    part = max(float(rollout.percent) / 100, remaining.change / max(remaining.candidates, 1))
    margin = (10 + 5 * sqrt(part * candidates)) / max(candidates, 1)
    return min(MAX_HASH, int((part + margin - 0.5) * 2**64))


def _enrol(connection: Connection, parameters: dict[str, object]) -> Batch:
    """Enrol users, except members and users removed by hand."""
    batch = _enrol_below_limit(connection, parameters)
    if batch.changed == 0:  # too few candidates have a hash below the limit
        batch = _enrol_below_limit(connection, parameters | {"hash_limit": MAX_HASH})
    return batch


def _enrol_below_limit(connection: Connection, parameters: dict[str, object]) -> Batch:
    """Enrol a batch's part of the candidates below the hash limit. Enrol no user if they are fewer than that part."""
    on_conflict = _REPLACE_EXPIRED if _has_expired(connection, parameters) else ""
    # before the statement, so that its own plan has no sequential scan: one of memberships would run for each user, and
    # grow while new users arrive
    connection.execute("select check_keys_by_index()")
    with connection.cursor(row_factory=class_row(Batch)) as cursor:
        [batch] = cursor.execute(_INSERT_CHOSEN + on_conflict + _RETURN_COUNTS, parameters).fetchall()
    return batch


def _has_expired(connection: Connection, parameters: dict[str, object]) -> bool:
    """Return whether the segment has expired memberships that are not swept yet.

    They are rare, and the clause that replaces them makes the insertion slower.
    """
    expired = connection.execute(
        """
        select from memberships
         where memberships.segment_id = %(segment_id)s::integer and memberships.expires_at <= (select clock_now())
         -- the order makes the planner use the index of due memberships, however many members there are
         order by memberships.expires_at
         limit 1
        """,
        parameters,
    )
    return expired.rowcount > 0


# One scan finds the number of candidates, the last of them, and an array of those below the hash limit. Materialising
# all candidates for two readers, or sorting all to find the first few, takes longer than the scan.
_INSERT_CHOSEN: LiteralString = """
    with scanned as materialized (
        select count(*) as candidates, coalesce(max(pool.user_id), 0) as last_user_id,
               coalesce(array_agg(pool.user_id) filter (
                            where rollout_rank(pool.user_id, %(salt)s::bigint) <= %(hash_limit)s::bigint), '{}')
                   as below_limit
          from (select users.user_id
                  from users
                 where users.user_id > %(after)s::bigint and users.ordinal < %(arrivals)s::bigint
                   and not exists (
                       select from memberships
                        where memberships.user_id = users.user_id and memberships.segment_id = %(segment_id)s::integer
                          -- the planner does not infer it, and would read the members of all earlier batches
                          and memberships.user_id > %(after)s::bigint
                          and (memberships.expires_at is null or memberships.expires_at > (select clock_now())))
                   and not exists (
                       select from rollout_overrides
                        where rollout_overrides.user_id = users.user_id
                          and rollout_overrides.segment_id = %(segment_id)s::integer
                          and not rollout_overrides.included)
                 order by users.user_id
                 limit %(most)s::integer) pool),
    part as materialized (
        select least(scanned.candidates, %(changes)s::bigint,
                     -- the last batch of a walk makes all remaining changes
                     case when scanned.candidates = %(most)s::integer
                          then floor(%(changes)s::numeric * scanned.candidates / %(candidates)s::bigint
                                     + %(draw)s::float8::numeric)::bigint end) as users
          from scanned),
    chosen as (
        select candidate.user_id
          from scanned
         cross join unnest(scanned.below_limit) candidate (user_id)
         order by rollout_rank(candidate.user_id, %(salt)s::bigint)
         limit (select case when part.users <= cardinality(scanned.below_limit) then part.users else 0 end
                  from scanned
                 cross join part)),
    inserted as (
        insert into memberships (user_id, segment_id, added_at, source)
        select chosen.user_id, %(segment_id)s::integer, (select next_moment()), 'percent'
          from chosen
         order by chosen.user_id
    """

_REPLACE_EXPIRED: LiteralString = """
            on conflict (user_id, segment_id) do update
           set added_at = excluded.added_at, expires_at = excluded.expires_at, source = excluded.source
         where memberships.expires_at <= excluded.added_at
    """

_RETURN_COUNTS: LiteralString = """
     returning 1)
    select scanned.candidates, scanned.last_user_id, (select count(*) from inserted) as changed
      from scanned
    """


def _release(connection: Connection, parameters: dict[str, object]) -> Batch:
    """Release enrolled users, except users added by hand, even if the percent enrolled them first."""
    with connection.cursor(row_factory=class_row(Batch)) as cursor:
        [batch] = cursor.execute(
            """
            with pool as materialized (
                select memberships.user_id, memberships.ctid as row_id
                  from memberships
                  join users on users.user_id = memberships.user_id
                 where memberships.segment_id = %(segment_id)s::integer and memberships.user_id > %(after)s::bigint
                   and memberships.source = 'percent'
                   and (memberships.expires_at is null or memberships.expires_at > (select clock_now()))
                   and users.ordinal < %(arrivals)s::bigint
                   and not exists (
                       select from rollout_overrides
                        where rollout_overrides.user_id = memberships.user_id
                          and rollout_overrides.segment_id = memberships.segment_id
                          and rollout_overrides.included)
                 order by memberships.user_id
                 limit %(most)s::integer),
            scanned as (
                select count(*) as candidates, coalesce(max(pool.user_id), 0) as last_user_id
                  from pool),
            chosen as (
                select pool.row_id
                  from pool
                 order by rollout_rank(pool.user_id, %(salt)s::bigint) desc
                 limit (select case when scanned.candidates < %(most)s::integer then %(changes)s::bigint
                                    when %(most)s::integer is null then %(changes)s::bigint
                                    else least(%(changes)s::bigint,
                                               floor(%(changes)s::numeric * scanned.candidates / %(candidates)s::bigint
                                                     + %(draw)s::float8::numeric)::bigint) end
                          from scanned)),
            deleted as (
                delete from memberships
                 where memberships.ctid = any (array(select chosen.row_id from chosen))
             returning 1)
            select scanned.candidates, scanned.last_user_id, (select count(*) from deleted) as changed
              from scanned
            """,
            parameters,
        ).fetchall()
    return batch
