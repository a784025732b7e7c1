"""Bring users into a segment by its percent, or take them out: a batch of them a statement.

Both go by the order of a salted hash of the user, up the one way and down the other: the users of ten percent are
among those of twenty, and come first in no other segment.
"""

import random
from dataclasses import dataclass
from math import sqrt
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import class_row

_chance = random.SystemRandom()

EVERYONE = 2**63 - 1
"""The greatest hash of a user."""


@dataclass(frozen=True)
class Population:
    """The users who had arrived when a segment's percent was set, in that segment's own order."""

    segment_id: int
    salt: int
    arrivals: int


@dataclass(frozen=True)
class Share:
    """How many users are still to come in, or below zero to go, and how many of those still to be seen can."""

    change: int
    candidates: int


@dataclass(frozen=True)
class Batch:
    """What a statement did: the candidates that it saw, the last of them, and how many users it changed."""

    candidates: int
    last_user_id: int
    changed: int


def count(connection: Connection, of: Population, wanted: int) -> Share:
    """Count what is to change until a segment has brought in as many users as wanted.

    By three plain counts: looking each user up among the members would take as long as bringing some of them in.
    """
    with connection.cursor(row_factory=class_row(Share)) as cursor:
        [share] = cursor.execute(
            """
            with members as materialized (
                select count(*) as all_of_them,
                       count(*) filter (where memberships.source = 'percent') as taken,
                       count(*) filter (where memberships.source = 'percent'
                                          and rollout_overrides.included is not true) as free
                  from memberships
                  join users on users.user_id = memberships.user_id
                  left join rollout_overrides
                    on rollout_overrides.user_id = memberships.user_id
                   and rollout_overrides.segment_id = memberships.segment_id
                 where memberships.segment_id = %(segment_id)s::integer and users.ordinal < %(arrivals)s::bigint
                   and (memberships.expires_at is null or memberships.expires_at > now()))
            select %(wanted)s::bigint - members.taken as change,
                   case when members.taken = %(wanted)s::bigint then 0
                        when members.taken > %(wanted)s::bigint then members.free
                        else (select count(*) from users where users.ordinal < %(arrivals)s::bigint)
                             - members.all_of_them
                             -- taken out by hand: no member, whatever the percent
                             - (select count(*)
                                  from rollout_overrides
                                  join users on users.user_id = rollout_overrides.user_id
                                 where rollout_overrides.segment_id = %(segment_id)s::integer
                                   and not rollout_overrides.included and users.ordinal < %(arrivals)s::bigint)
                   end as candidates
              from members
            """,
            {"segment_id": of.segment_id, "arrivals": of.arrivals, "wanted": wanted},
        ).fetchall()
    return share


def level(
    connection: Connection, of: Population, share: Share, wanted: int, *, after: int = 0, most: int | None = None
) -> Batch:
    """Change a batch's fair part of the share, among the users behind one; without a limit, all of the share.

    In the caller's transaction, which holds the segment.
    """
    change = _enrol if share.change > 0 else _release
    return change(
        connection,
        {
            "segment_id": of.segment_id,
            "salt": of.salt,
            "arrivals": of.arrivals,
            "changes": abs(share.change),
            "candidates": share.candidates,
            "after": after,
            "most": most,
            "reach": _reach(of, share, wanted, most or share.candidates),
            "chance": _chance.random(),
        },
    )


def _reach(of: Population, share: Share, wanted: int, candidates: int) -> int:
    """Return the hash within which a batch has as many as it is to bring in, and five standard deviations more."""
    part = max(wanted / max(of.arrivals, 1), share.change / max(share.candidates, 1))
    spare = (10 + 5 * sqrt(part * candidates)) / max(candidates, 1)
    return min(EVERYONE, int((part + spare - 0.5) * 2**64))


def _enrol(connection: Connection, parameters: dict[str, object]) -> Batch:
    """Bring users in, but none who is in already or was taken out by hand."""
    batch = _bring_in(connection, parameters)
    if batch.changed == 0:  # too few are within reach: the order of everyone decides
        batch = _bring_in(connection, parameters | {"reach": EVERYONE})
    return batch


def _bring_in(connection: Connection, parameters: dict[str, object]) -> Batch:
    """Bring in a batch's part of those within reach, or nobody where these are fewer."""
    conflicts = _EXPIRED_GIVE_WAY if _some_expired(connection, parameters) else ""
    with connection.cursor(row_factory=class_row(Batch)) as cursor:
        [batch] = cursor.execute(_ENTER + conflicts + _COUNT, parameters).fetchall()
    return batch


def _some_expired(connection: Connection, parameters: dict[str, object]) -> bool:
    """Return whether a membership that has expired may still stand where one begins: rare, and dear to allow for."""
    expired = connection.execute(
        """
        select from memberships
         where memberships.segment_id = %(segment_id)s::integer and memberships.expires_at <= now()
         -- by the index of what is due, however many members there are
         order by memberships.expires_at
         limit 1
        """,
        parameters,
    )
    return expired.rowcount > 0


# Who may come, in one walk: how many they are, the last of them, and as an array those whose hash is within reach.
# Keeping all for two readers, or sorting all to find the first few, takes longer than the walk.
_ENTER: LiteralString = """
    with seen as materialized (
        select count(*) as candidates, coalesce(max(pool.user_id), 0) as last_user_id,
               coalesce(array_agg(pool.user_id) filter (
                            where hashint8extended(pool.user_id, %(salt)s::bigint) <= %(reach)s::bigint), '{}') as near
          from (select users.user_id
                  from users
                 where users.user_id > %(after)s::bigint and users.ordinal < %(arrivals)s::bigint
                   and not exists (
                       select from memberships
                        where memberships.user_id = users.user_id and memberships.segment_id = %(segment_id)s::integer
                          -- the planner does not conclude it, and would pass the members of all batches before
                          and memberships.user_id > %(after)s::bigint
                          and (memberships.expires_at is null or memberships.expires_at > now()))
                   and not exists (
                       select from rollout_overrides
                        where rollout_overrides.user_id = users.user_id
                          and rollout_overrides.segment_id = %(segment_id)s::integer
                          and not rollout_overrides.included)
                 order by users.user_id
                 limit %(most)s::integer) pool),
    part as materialized (
        select least(seen.candidates, %(changes)s::bigint,
                     -- the last batch of a walk takes what is left
                     case when seen.candidates = %(most)s::integer
                          then floor(%(changes)s::numeric * seen.candidates / %(candidates)s::bigint
                                     + %(chance)s::float8::numeric)::bigint end) as users
          from seen),
    chosen as (
        select near.user_id
          from seen
         cross join unnest(seen.near) near (user_id)
         order by hashint8extended(near.user_id, %(salt)s::bigint)
         limit (select case when part.users <= cardinality(seen.near) then part.users else 0 end
                  from seen
                 cross join part)),
    entered as (
        insert into memberships (user_id, segment_id, added_at, source)
        select chosen.user_id, %(segment_id)s::integer, moment.now, 'percent'
          from chosen
         cross join (select clock_timestamp() as now) moment
         order by chosen.user_id
    """

_EXPIRED_GIVE_WAY: LiteralString = """
            on conflict (user_id, segment_id) do update
           set added_at = excluded.added_at, expires_at = excluded.expires_at, source = excluded.source
         where memberships.expires_at <= excluded.added_at
    """

_COUNT: LiteralString = """
     returning 1)
    select seen.candidates, seen.last_user_id, (select count(*) from entered) as changed
      from seen
    """


def _release(connection: Connection, parameters: dict[str, object]) -> Batch:
    """Take users out, but none who was added by hand, even where the percent had brought them in before."""
    with connection.cursor(row_factory=class_row(Batch)) as cursor:
        [batch] = cursor.execute(
            """
            with pool as materialized (
                select memberships.user_id, memberships.ctid as place
                  from memberships
                  join users on users.user_id = memberships.user_id
                 where memberships.segment_id = %(segment_id)s::integer and memberships.user_id > %(after)s::bigint
                   and memberships.source = 'percent'
                   and (memberships.expires_at is null or memberships.expires_at > now())
                   and users.ordinal < %(arrivals)s::bigint
                   and not exists (
                       select from rollout_overrides
                        where rollout_overrides.user_id = memberships.user_id
                          and rollout_overrides.segment_id = memberships.segment_id
                          and rollout_overrides.included)
                 order by memberships.user_id
                 limit %(most)s::integer),
            seen as (
                select count(*) as candidates, coalesce(max(pool.user_id), 0) as last_user_id
                  from pool),
            chosen as (
                select pool.place
                  from pool
                 order by hashint8extended(pool.user_id, %(salt)s::bigint) desc
                 limit (select case when seen.candidates < %(most)s::integer then %(changes)s::bigint
                                    when %(most)s::integer is null then %(changes)s::bigint
                                    else least(%(changes)s::bigint,
                                               floor(%(changes)s::numeric * seen.candidates / %(candidates)s::bigint
                                                     + %(chance)s::float8::numeric)::bigint) end
                          from seen)),
            gone as (
                delete from memberships
                 where memberships.ctid = any (array(select chosen.place from chosen))
             returning 1)
            select seen.candidates, seen.last_user_id, (select count(*) from gone) as changed
              from seen
            """,
            parameters,
        ).fetchall()
    return batch


# Who has come since so many had arrived, with the place of the membership that the percent gave them. Looked up one by
# one, as they are few: a join might read all members for each of them.
_LATE: LiteralString = """
    with late as (
        select users.user_id, member.ctid as place
          from users
          left join lateral (
               select memberships.ctid
                 from memberships
                where memberships.user_id = users.user_id and memberships.segment_id = %(segment_id)s::integer
                  and memberships.source = 'percent'
               offset 0) member on true
         where users.ordinal >= %(since)s::bigint)
    """

_COUNT_LATE: LiteralString = "select count(*), count(late.place) from late"

_LET_LATE_GO: LiteralString = """
    delete from memberships
     where memberships.ctid = any (array(
           select late.place
             from late
            where late.place is not null
            order by hashint8extended(late.user_id, %(salt)s::bigint) desc
            limit %(users)s::bigint))
    """


def count_late(connection: Connection, segment_id: int, since: int) -> tuple[int, int]:
    """Count the users who have come since so many had arrived, and those of them whom the percent has brought in."""
    [(users, taken)] = connection.execute(_LATE + _COUNT_LATE, {"segment_id": segment_id, "since": since}).fetchall()
    return users, taken


def let_go(connection: Connection, segment_id: int, salt: int, since: int, users: int) -> int:
    """Take so many of these out; return how many it were."""
    parameters = {"segment_id": segment_id, "salt": salt, "since": since, "users": users}
    return connection.execute(_LATE + _LET_LATE_GO, parameters).rowcount
