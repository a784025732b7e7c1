"""Percent rollouts: how many users a percent wants, and the changes that bring a segment to it.

The users who exist are enrolled or released here, or by a job if they are many. The database decides about users who
arrive later, in the transaction that creates them. docs/rollouts.md has the rule and its proof.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from segmentation.domain.rollouts import arrivals, enrolment
from segmentation.domain.rollouts.arrivals import Base, NewUsers
from segmentation.domain.rollouts.enrolment import Remaining, Rollout
from segmentation.jobs import leases
from segmentation.runtime import metrics

ROLLOUT = "rollout"

MOST_CHANGES = 50_000
"""The most users that a request enrols or releases itself. The limit is part of the contract."""

BASIS_POINTS = 10_000
"""All users, in basis points. A percent has two decimals."""


Percent = float | Decimal


@dataclass(frozen=True)
class Outcome:
    """The changes that the request made, and the job that makes the others if they are too many for a request."""

    added: int = 0
    deleted: int = 0
    job_id: UUID | None = None

    def plus(self, changed: int) -> "Outcome":
        """Return the outcome with more users added, or with more deleted if the number is negative."""
        return replace(self, added=self.added + max(changed, 0), deleted=self.deleted + max(-changed, 0))


@dataclass(frozen=True)
class _Change:
    """A percent that a segment gets, the percent before it, and the salt of the segment's order of users."""

    segment_id: int
    salt: int
    percent: Percent
    before: Decimal

    def wanted(self, users: int, enrolled: int) -> int:
        return wanted_members(users, self.percent, self.before, enrolled, self.salt % BASIS_POINTS)


@dataclass(frozen=True)
class _Counts:
    """The users whose arrival is settled, and those of them whom the percent enrols now."""

    users: int
    enrolled: int


class _UnreleasableSurplus(Exception):
    """The previous percent enrolled too many new users, and a percent that is not lower releases no new user."""


def wanted_members(users: int, percent: Percent, before: Percent, enrolled: int, draw: int) -> int:
    """Return how many users a percent wants enrolled: the exact share, rounded up or down by the draw.

    The draw, from 0 to 9999, stays with the segment. So a higher percent of more users never wants fewer members. A
    count that is the share already, rounded the other way, changes only in the direction of the percent.
    """
    least, rest = divmod(users * in_basis_points(percent), BASIS_POINTS)
    wanted = least + (draw < rest)
    if not least <= enrolled <= least + (rest > 0):
        return wanted
    if in_basis_points(percent) > in_basis_points(before):
        return max(wanted, enrolled)
    if in_basis_points(percent) < in_basis_points(before):
        return min(wanted, enrolled)
    return enrolled


def in_basis_points(percent: Percent) -> int:
    """Return a percent in basis points, which are whole numbers."""
    return round(percent * 100)


def set_percent(connection: Connection, segment_id: int, percent: Percent, *, actor: str) -> Outcome:
    """Bring a segment to its percent of the users, in the caller's transaction, which holds the segment's lock.

    If that changes too many users for a request, create a job that does it, and return its id.
    """
    return _level(connection, segment_id, percent, actor=actor)


def complete(connection: Connection, segment_id: int, percent: Percent) -> Outcome:
    """Bring a segment to its percent of the users, however many users that changes: the last step of a job."""
    return _level(connection, segment_id, percent, actor=None)


def _level(connection: Connection, segment_id: int, percent: Percent, *, actor: str | None) -> Outcome:
    """Level the number of enrolled users, and open the rule for arrivals. No user is deleted meanwhile.

    New users can arrive while the others are enrolled or released. If the percent before enrols too many of them, the
    work is undone and done again with new users blocked.
    """
    connection.execute("select hold_user_deletions()")
    change = _get_change(connection, segment_id, percent)
    try:
        with connection.transaction():
            return _apply(connection, change, actor)
    except _UnreleasableSurplus:
        arrivals.hold(connection)
        return _apply(connection, change, actor)


def _apply(connection: Connection, change: _Change, actor: str | None) -> Outcome:
    """Level the users whose arrival is settled, or leave that to a job of the actor. Then level those who came since.

    Raises _UnreleasableSurplus.
    """
    settled = arrivals.settle(connection)
    counts = _count_users(connection, change.segment_id, settled)
    wanted = change.wanted(counts.users, counts.enrolled)
    job_actor = actor if abs(wanted - counts.enrolled) > MOST_CHANGES else None
    changed = 0 if job_actor else _enrol_or_release(connection, change, settled, counts, wanted)
    base = Base(settled, counts.users, wanted if job_actor else counts.enrolled + changed)
    outcome = Outcome().plus(changed)
    # most of those who came since are counted before new users wait
    counted = arrivals.settle(connection)
    new = arrivals.count(connection, change.segment_id, settled, counted)
    next_arrival = arrivals.hold(connection)
    if next_arrival > settled:
        new = new.plus(arrivals.count(connection, change.segment_id, counted, next_arrival))
        base, late = _level_arrivals(connection, change, base, new, next_arrival)
        outcome = outcome.plus(late)
    if job_actor:
        # the previous release reads "wanted"
        parameters = {"segment_id": change.segment_id, "wanted": base.enrolled}
        outcome = replace(outcome, job_id=leases.create(connection, ROLLOUT, parameters, actor=job_actor))
    arrivals.open_rollout(connection, change.segment_id, change.percent, base, outcome.job_id)
    return outcome


def _enrol_or_release(connection: Connection, change: _Change, settled: int, counts: _Counts, wanted: int) -> int:
    """Make all changes in one statement. Return the users enrolled, or the users released as a negative number."""
    needed = wanted - counts.enrolled
    if needed == 0:
        return 0
    rollout = Rollout(change.segment_id, change.salt, settled, change.percent)
    batch = enrolment.enrol_or_release(connection, rollout, Remaining(needed, counts.users))
    return batch.changed if needed > 0 else -batch.changed


def _level_arrivals(
    connection: Connection, change: _Change, base: Base, new: NewUsers, next_arrival: int
) -> tuple[Base, int]:
    """Level the users who arrived since the base by the percent before. Return the base of the rule, and the change.

    A missed share of the users before them (no candidate was left) does not count. Raises _UnreleasableSurplus.
    """
    users, basis_points = base.users + new.users, in_basis_points(change.percent)
    enrolled = min(max(base.enrolled, _floor(base.users, basis_points)), _ceiling(base.users, basis_points))
    enrolled += new.enrolled
    needed = replace(change, before=Decimal(change.percent)).wanted(users, enrolled) - enrolled
    if needed < 0 and basis_points >= in_basis_points(change.before):
        raise _UnreleasableSurplus
    changed = 0
    if needed:
        changed = arrivals.enrol_or_release(
            connection, change.segment_id, change.salt, base.arrivals, next_arrival, needed
        )
    return Base(next_arrival, users, enrolled + needed), changed


def _floor(users: int, basis_points: int) -> int:
    return users * basis_points // BASIS_POINTS


def _ceiling(users: int, basis_points: int) -> int:
    return -(-users * basis_points // BASIS_POINTS)


def count_metrics(outcome: Outcome) -> None:
    """Count the changes that the request made. Call it after the commit. A job counts its own changes."""
    metrics.count("RolloutUsersAdded", outcome.added)
    metrics.count("RolloutUsersRemoved", outcome.deleted)


def stop(connection: Connection, segment_id: int) -> None:
    """Stop enrolment by the rule and by a job that still runs. Every member stays in.

    The previous percent decides about the users who are arriving, because they commit first.
    """
    arrivals.hold(connection)
    connection.execute("update rollouts set job_id = null where rollouts.segment_id = %s::integer", (segment_id,))


def _get_change(connection: Connection, segment_id: int, percent: Percent) -> _Change:
    """Return the change to a percent."""
    [(before, salt)] = connection.execute(
        "select rollouts.last_percent, rollouts.salt from rollouts where rollouts.segment_id = %s::integer",
        (segment_id,),
    ).fetchall()
    return _Change(segment_id, salt, percent, before)


def _count_users(connection: Connection, segment_id: int, settled: int) -> _Counts:
    """Count the users whose arrival is settled, and those of them whom the percent enrols now.

    Those who came since are subtracted, because the whole tables can be counted by their indexes alone.
    """
    with connection.cursor(row_factory=class_row(_Counts)) as cursor:
        [counts] = cursor.execute(
            """
            with late as materialized (
                select users.user_id from users where users.ordinal >= %(settled)s::bigint)
            select (select count(*) from users) - (select count(*) from late) as users,
                   (select count(*)
                      from memberships
                     where memberships.segment_id = %(segment_id)s::integer and memberships.source = 'percent'
                       and (memberships.expires_at is null or memberships.expires_at > (select clock_now())))
                   - (select count(*)
                        from late
                       cross join lateral (
                             select
                               from memberships
                              where memberships.user_id = late.user_id
                                and memberships.segment_id = %(segment_id)s::integer
                                and memberships.source = 'percent'
                                and (memberships.expires_at is null or memberships.expires_at > (select clock_now()))
                             offset 0) enrolled) as enrolled
            """,
            {"segment_id": segment_id, "settled": settled},
        ).fetchall()
    return counts
