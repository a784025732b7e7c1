"""Percent rollouts: how many users a percent asks for, and what bringing a segment to it takes.

The users who are there are brought in or taken out here, or by a job where they are many; those who arrive later are
decided by the database, in the transaction with which they arrive. docs/rollouts.md has the rule and its proof.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from segmentation.domain.rollouts import enrolment
from segmentation.domain.rollouts.enrolment import Population, Share
from segmentation.jobs import leases
from segmentation.runtime import metrics

ROLLOUT = "rollout"

MOST_CHANGES = 50_000
"""The most users that a request brings in or takes out itself; the contract says so."""

UNITS = 10_000
"""A percent is counted in hundredths: so many of them are all users."""


Percent = float | Decimal


@dataclass(frozen=True)
class Outcome:
    """What setting a percent did at once, and the job that does it where it is too much for a request."""

    added: int = 0
    deleted: int = 0
    job_id: UUID | None = None


@dataclass(frozen=True)
class _Census:
    """How many users there are, are in by the percent, and of these may stay, all of it at one moment."""

    arrivals: int
    users: int
    taken: int
    kept: int


@dataclass(frozen=True)
class _Base:
    """What the rule for arrivals starts from: the arrivals so far, the users, and those whom the percent wants in."""

    arrivals: int
    users: int
    taken: int


class _NoRoom(Exception):
    """More of the users who arrived late are in than the percent has room for, and it may not let anybody go."""


def wanted_members(users: int, percent: Percent, before: Percent, kept: int, draw: int) -> int:
    """Return how many of the users a percent is to have brought in: the exact share, up or down by the draw.

    Never fewer than are kept, unless the percent is lower than before: who is in stays in. The draw, from 0 to 9999,
    stays with the segment, so that a higher percent of more users never asks for fewer.
    """
    least, rest = divmod(users * in_units(percent), UNITS)
    wanted = least + (draw < rest)
    if in_units(percent) < in_units(before):
        return wanted
    if in_units(percent) == in_units(before) and kept == least:
        return kept  # arrivals drew this share already
    return max(wanted, kept)


def in_units(percent: Percent) -> int:
    """Return a percent in hundredths."""
    return round(percent * 100)


def set_percent(connection: Connection, segment_id: int, percent: float, *, actor: str) -> Outcome:
    """Bring a segment to its percent of the users, in the caller's transaction, which holds the segment.

    The users are walked before arrivals are held up: those who arrive meanwhile are decided at the end. Where the
    percent before has brought in more of these than there is room for, all is done again with arrivals held up.
    """
    try:
        with connection.transaction():
            return _bring_to(connection, segment_id, percent, actor=actor)
    except _NoRoom:
        hold_arrivals(connection)
        return _bring_to(connection, segment_id, percent, actor=actor)


def _bring_to(connection: Connection, segment_id: int, percent: float, *, actor: str) -> Outcome:
    """Bring those who are there in, take them out, or let a job do it; then decide who came late. Raises _NoRoom."""
    before, salt = _begin(connection, segment_id)
    census = _census(connection, segment_id)
    wanted = wanted_members(census.users, percent, before, census.kept, draw=salt % UNITS)
    change = wanted - census.taken
    if needs_job := abs(change) > MOST_CHANGES:
        added, deleted, taken = 0, 0, wanted
    else:
        of = Population(segment_id, salt, census.arrivals)
        changed = enrolment.level(connection, of, Share(change, census.users), wanted).changed if change else 0
        added, deleted = (changed, 0) if change > 0 else (0, changed)
        taken = census.taken + added - deleted
    base, let_go = _make_room(
        connection, segment_id, salt, percent, before, _Base(census.arrivals, census.users, taken)
    )
    job_id = None
    if needs_job:
        job_id = leases.create(connection, ROLLOUT, {"segment_id": segment_id, "wanted": base.taken}, actor=actor)
    enrolled = _open_to_arrivals(connection, segment_id, percent, base, job_id)
    return Outcome(added + enrolled, deleted + let_go, job_id)


def _make_room(
    connection: Connection, segment_id: int, salt: int, percent: float, before: Decimal, base: _Base
) -> tuple[_Base, int]:
    """Hold arrivals up, and let those go who came since and are too many for a lower percent.

    Returns what arrivals are to be decided from, and how many were let go; raises _NoRoom where nobody may be.
    """
    arrivals = hold_arrivals(connection)
    if arrivals == base.arrivals:
        return base, 0
    late, late_taken = enrolment.count_late(connection, segment_id, base.arrivals)
    users, units = base.users + late, in_units(percent)
    least = base.users * units // UNITS
    most = -(-base.users * units // UNITS)
    taken = min(max(base.taken, least), most)  # as open_rollout sees it
    if taken + late_taken <= -(-users * units // UNITS):
        return base, 0
    if units >= in_units(before):
        raise _NoRoom
    wanted = max(taken, wanted_members(users, percent, before, 0, draw=salt % UNITS))
    let_go = enrolment.let_go(connection, segment_id, salt, base.arrivals, taken + late_taken - wanted)
    return _Base(arrivals, users, wanted), let_go


def report(outcome: Outcome) -> None:
    """Report what was done at once, after it is committed; a job reports its own part."""
    metrics.count("RolloutUsersAdded", outcome.added)
    metrics.count("RolloutUsersRemoved", outcome.deleted)


def stop(connection: Connection, segment_id: int) -> None:
    """Bring nobody in any more, neither by the rule nor by a job that still runs; who is in stays in.

    Who is arriving has been decided by the percent there was: they come first.
    """
    hold_arrivals(connection)
    connection.execute("update rollouts set job_id = null where rollouts.segment_id = %s::integer", (segment_id,))


def hold_arrivals(connection: Connection) -> int:
    """Wait for the users who are arriving, let nobody else arrive until the transaction ends, and count them."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [arrivals] = cursor.execute("select population.arrivals from population for update").fetchall()
    return int(arrivals)


def _begin(connection: Connection, segment_id: int) -> tuple[Decimal, int]:
    """Return the percent before, zero where there was none, and what salts the segment's order of users.

    Changes no row that is there: an arrival may hold all arrivals up while it waits for that row.
    """
    connection.execute("insert into rollouts (segment_id) values (%s::integer) on conflict do nothing", (segment_id,))
    [(before, salt)] = connection.execute(
        "select rollouts.last_percent, rollouts.salt from rollouts where rollouts.segment_id = %s::integer",
        (segment_id,),
    ).fetchall()
    return before, salt


def _census(connection: Connection, segment_id: int) -> _Census:
    """Count in one statement: whoever arrived by the number of arrivals is seen, and nobody else.

    Those are not kept whom a job was to take out, and did not: it has failed, or this percent comes before its end.
    """
    with connection.cursor(row_factory=class_row(_Census)) as cursor:
        [census] = cursor.execute(
            """
            select population.arrivals, (select count(*) from users) as users, members.taken,
                   case when exists (select from jobs
                                      where jobs.job_id = rollouts.job_id and jobs.status <> 'succeeded')
                        then least(members.taken, rollouts.taken)
                        else members.taken end as kept
              from population
             cross join (
                   select count(*) as taken
                     from memberships
                    where memberships.segment_id = %(segment_id)s::integer and memberships.source = 'percent'
                      and (memberships.expires_at is null or memberships.expires_at > now())) members
              join rollouts on rollouts.segment_id = %(segment_id)s::integer
            """,
            {"segment_id": segment_id},
        ).fetchall()
    return census


def _open_to_arrivals(connection: Connection, segment_id: int, percent: float, base: _Base, job_id: UUID | None) -> int:
    """Let the database decide whoever arrives, and those who have since the base; return how many came in."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        [enrolled] = cursor.execute(
            "select open_rollout(%s::integer, %s::numeric, %s::bigint, %s::bigint, %s::bigint, %s::uuid)",
            (segment_id, percent, base.users, base.arrivals, base.taken, job_id),
        ).fetchall()
    return int(enrolled)
