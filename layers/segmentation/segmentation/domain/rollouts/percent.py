"""Percent rollouts: how many users a percent wants, and the changes that bring a segment to it.

The users who exist are enrolled or released here, or by a job if they are many. The database decides about users who
arrive later, in the transaction that creates them. docs/rollouts.md has the rule and its proof.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from segmentation.domain.rollouts import arrivals, enrolment
from segmentation.domain.rollouts.arrivals import Base
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


@dataclass(frozen=True)
class _Change:
    """A percent that a segment gets, the percent before it, and the salt of the segment's order of users."""

    segment_id: int
    salt: int
    percent: float
    before: Decimal

    @property
    def draw(self) -> int:
        return self.salt % BASIS_POINTS

    def wanted(self, users: int, kept: int) -> int:
        return wanted_members(users, self.percent, self.before, kept, self.draw)


@dataclass(frozen=True)
class _Counts:
    """The arrivals, the users, the users enrolled by the percent, and the enrolled users who stay in, at one moment."""

    arrivals: int
    users: int
    enrolled: int
    kept: int


class _UnreleasableSurplus(Exception):
    """The previous percent enrolled too many new users, and a percent that is not lower releases no user."""


def wanted_members(users: int, percent: Percent, before: Percent, kept: int, draw: int) -> int:
    """Return how many users a percent wants enrolled: the exact share, rounded up or down by the draw.

    The result is never below the kept users, unless the percent is 0 or lower than the one before. The draw, from 0 to
    9999, stays with the segment. So a higher percent of more users never wants fewer members.
    """
    if percent == 0:
        return 0  # even after a stopped job, which keeps users that the same percent had to release
    least, rest = divmod(users * in_basis_points(percent), BASIS_POINTS)
    wanted = least + (draw < rest)
    if in_basis_points(percent) < in_basis_points(before):
        return wanted
    if in_basis_points(percent) == in_basis_points(before) and kept == least:
        return kept  # the rule for arrivals has rounded this share already
    return max(wanted, kept)


def in_basis_points(percent: Percent) -> int:
    """Return a percent in basis points, which are whole numbers."""
    return round(percent * 100)


def set_percent(connection: Connection, segment_id: int, percent: float, *, actor: str) -> Outcome:
    """Bring a segment to its percent of the users, in the caller's transaction, which holds the segment's lock.

    New users can arrive while the others are enrolled or released. If the percent before enrols too many of them, the
    work is undone and done again with new users blocked.
    """
    try:
        with connection.transaction():
            return _apply(connection, segment_id, percent, actor=actor)
    except _UnreleasableSurplus:
        arrivals.block(connection)
        return _apply(connection, segment_id, percent, actor=actor)


def _apply(connection: Connection, segment_id: int, percent: float, *, actor: str) -> Outcome:
    """Enrol or release the counted users, or leave that to a job. Then decide about the new users.

    Raises _UnreleasableSurplus.
    """
    change = _begin_change(connection, segment_id, percent)
    counts = _count_users(connection, segment_id)
    wanted = change.wanted(counts.users, counts.kept)
    needs_job = abs(wanted - counts.enrolled) > MOST_CHANGES
    changed = 0 if needs_job else _enrol_or_release(connection, change, counts, wanted)
    enrolled = wanted if needs_job else counts.enrolled + changed
    base, released = _release_surplus(connection, change, Base(counts.arrivals, counts.users, enrolled))
    job_id = None
    if needs_job:
        job_id = leases.create(connection, ROLLOUT, {"segment_id": segment_id, "wanted": base.enrolled}, actor=actor)
    enrolled_late = arrivals.open_rollout(connection, segment_id, percent, base, job_id)
    return Outcome(max(changed, 0) + enrolled_late, max(-changed, 0) + released, job_id)


def _enrol_or_release(connection: Connection, change: _Change, counts: _Counts, wanted: int) -> int:
    """Make all changes in one statement. Return the users enrolled, or the users released as a negative number."""
    needed = wanted - counts.enrolled
    if needed == 0:
        return 0
    rollout = Rollout(change.segment_id, change.salt, counts.arrivals)
    batch = enrolment.enrol_or_release(connection, rollout, Remaining(needed, counts.users), wanted)
    return batch.changed if needed > 0 else -batch.changed


def _release_surplus(connection: Connection, change: _Change, base: Base) -> tuple[Base, int]:
    """Block new users. Release those who arrived since the count and exceed a lowered percent.

    Returns the base of the rule for arrivals, and the number of released users. Raises _UnreleasableSurplus.
    """
    arrived = arrivals.block(connection)
    if arrived == base.arrivals:
        return base, 0
    new = arrivals.count(connection, change.segment_id, base.arrivals)
    users, basis_points = base.users + new.users, in_basis_points(change.percent)
    least, most = _floor(base.users, basis_points), _ceiling(base.users, basis_points)
    enrolled = min(max(base.enrolled, least), most)  # open_rollout clamps it to the same range
    if enrolled + new.enrolled <= _ceiling(users, basis_points):
        return base, 0
    if basis_points >= in_basis_points(change.before):
        raise _UnreleasableSurplus
    wanted = max(enrolled, change.wanted(users, kept=0))
    surplus = enrolled + new.enrolled - wanted
    released = arrivals.release(connection, change.segment_id, change.salt, base.arrivals, surplus)
    return Base(arrived, users, wanted), released


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
    arrivals.block(connection)
    connection.execute("update rollouts set job_id = null where rollouts.segment_id = %s::integer", (segment_id,))


def begin(connection: Connection, segment_id: int) -> None:
    """Create the rollout of a segment that has none, with zero as its percent. From now on changes by hand count.

    It updates no existing row, because an arriving user may wait for that row while it blocks all arrivals.
    """
    connection.execute("insert into rollouts (segment_id) values (%s::integer) on conflict do nothing", (segment_id,))


def _begin_change(connection: Connection, segment_id: int, percent: float) -> _Change:
    """Return the change to a percent."""
    begin(connection, segment_id)
    [(before, salt)] = connection.execute(
        "select rollouts.last_percent, rollouts.salt from rollouts where rollouts.segment_id = %s::integer",
        (segment_id,),
    ).fetchall()
    return _Change(segment_id, salt, percent, before)


def _count_users(connection: Connection, segment_id: int) -> _Counts:
    """Count in one statement, whose snapshot has exactly the users below the number of arrivals.

    A failed or unfinished job has left users enrolled that it had to release. They do not count as kept.
    """
    with connection.cursor(row_factory=class_row(_Counts)) as cursor:
        [counts] = cursor.execute(
            """
            select population.arrivals, (select count(*) from users) as users, members.enrolled,
                   case when exists (select from jobs
                                      where jobs.job_id = rollouts.job_id and jobs.status <> 'succeeded')
                        then least(members.enrolled, rollouts.taken)
                        else members.enrolled end as kept
              from population
             cross join (
                   select count(*) as enrolled
                     from memberships
                    where memberships.segment_id = %(segment_id)s::integer and memberships.source = 'percent'
                      and (memberships.expires_at is null or memberships.expires_at > now())) members
              join rollouts on rollouts.segment_id = %(segment_id)s::integer
            """,
            {"segment_id": segment_id},
        ).fetchall()
    return counts
