"""Segments: named groups of users. The deletion of a segment frees its slug and keeps its history."""

from contextlib import suppress
from typing import Any

from psycopg import Connection, errors
from psycopg.rows import class_row, dict_row

from segmentation.contract import cursors
from segmentation.contract.problems import SegmentUnknown, SlugTaken
from segmentation.contract.requests import NewSegment, SegmentChange
from segmentation.contract.responses import (
    Done,
    DoneByJob,
    ListedSegment,
    Member,
    MemberPage,
    SegmentChanged,
    SegmentChangedByJob,
    SegmentCreated,
    SegmentCreatedByJob,
    SegmentPage,
    SegmentWithMembers,
)
from segmentation.database import names, transactions
from segmentation.domain import change_log, deletion, expiry, live_segment, schedule
from segmentation.domain.rollouts import percent
from segmentation.domain.rollouts.percent import Percent
from segmentation.jobs import queue
from segmentation.runtime import metrics


def create(connection: Connection, new: NewSegment, *, actor: str) -> SegmentCreated:
    """Create a segment and bring it to its percent, if it has one. Raises SlugTaken.

    If the percent wants more users than a request may enrol, a job enrols them, and the answer has its id.
    """
    with transactions.transaction(connection, actor=actor, comment=new.comment):
        row = _insert(connection, new)
        segment_id = row.pop("segment_id")
        outcome = percent.Outcome()
        if new.user_percent:
            outcome = set_percent(connection, segment_id, new.user_percent, actor=actor)
    percent.count_metrics(outcome)
    created = SegmentCreated(**row, users_added=outcome.added)
    if outcome.job_id is None:
        return created
    queue.request_worker(outcome.job_id)
    return SegmentCreatedByJob(**dict(created), job_id=outcome.job_id)


def set_percent(connection: Connection, segment_id: int, wanted: Percent, *, actor: str) -> percent.Outcome:
    """Bring a segment to its percent, and write the numbers of users into the change log.

    The caller's transaction has locked the segment and written the percent into its row.
    """
    outcome = percent.set_percent(connection, segment_id, wanted, actor=actor)
    change_log.count(connection, segment_id, added=outcome.added, deleted=outcome.deleted, job_id=outcome.job_id)
    return outcome


def _insert(connection: Connection, new: NewSegment) -> dict[str, Any]:
    """Insert a segment. A taken slug uses up no segment_id."""
    names.lock(connection, new.slug)
    with (
        connection.cursor(row_factory=dict_row) as cursor,
        suppress(errors.UniqueViolation),  # a session that does not lock names, for example of the previous version
    ):
        row = cursor.execute(
            """
            insert into segments (slug, user_percent, description, owner)
            select new.slug, new.user_percent, new.description, new.owner
              from (values (%s::text, %s::numeric, %s::text, %s::text)) new (slug, user_percent, description, owner)
             where not exists (
                   select from segments where segments.slug = new.slug and segments.deleted_at is null)
         returning segment_id, slug, user_percent, description, owner, created_at
            """,
            (new.slug, new.user_percent, new.description, new.owner),
        ).fetchone()
        if row is not None:
            return row
    raise SlugTaken(new.slug)


def list_segments(connection: Connection, *, prefix: str, after: str, limit: int) -> SegmentPage:
    """Return the segments after a slug whose slugs begin with a prefix, in order of slug.

    The members are those of the last midnight that is counted, because a count of each segment would be slow.
    """
    with connection.cursor(row_factory=class_row(ListedSegment)) as cursor:
        rows = cursor.execute(
            """
            select segments.slug, segments.user_percent, segments.description, segments.owner, segments.created_at,
                   segments.updated_at, night.ends_at as members_at,
                   case when night.ends_at is not null
                        then members_at_end_of(segments.segment_id, night.last_day) end as members
              from segments
              left join counted_days night
                on night.last_day >= night.first_day and segments.created_at < night.ends_at
             where segments.deleted_at is null and segments.slug > %s::text
               -- a tilde sorts after every character of a slug
               and segments.slug >= %s::text and segments.slug < %s::text || '~'
             order by segments.slug
             limit %s::integer
            """,
            (after, prefix, prefix, limit + 1),
        ).fetchall()
    segments, next_cursor = cursors.page(rows, limit, lambda segment: segment.slug)
    return SegmentPage(segments=segments, next_cursor=next_cursor)


def get(connection: Connection, slug: str) -> SegmentWithMembers:
    """Return a segment with its exact number of members. Raises SegmentUnknown."""
    with connection.cursor(row_factory=dict_row) as cursor:
        segment = cursor.execute(
            """
            select segments.slug, segments.user_percent, segments.description, segments.owner, segments.created_at,
                   segments.updated_at, counted.members, counted.ended_at
              from segments
             cross join lateral (
                   select count(*) filter (where memberships.expires_at is null
                                              or memberships.expires_at > (select clock_now())) as members,
                          max(memberships.expires_at)
                              filter (where memberships.expires_at <= (select clock_now())) as ended_at
                     from memberships
                    where memberships.segment_id = segments.segment_id) counted
             where segments.slug = %s::text and segments.deleted_at is null
            """,
            (slug,),
        ).fetchone()
    if segment is None:
        raise SegmentUnknown([slug])
    if ended_at := segment.pop("ended_at"):
        # a statement of its own, because a function that can write would prevent a parallel count
        connection.execute("select keep_ended(%s::timestamptz)", (ended_at,))
    return SegmentWithMembers(**segment)


def update(connection: Connection, slug: str, change: SegmentChange, *, actor: str) -> SegmentChanged:
    """Rename or describe a segment, or bring it to another percent. Raises SegmentUnknown or SlugTaken.

    A percent of null stops enrolment and keeps every member. A percent of 0 releases every automatic member. Each
    percent cancels the pending steps, the same one again too.
    """
    fields = change.model_dump(exclude_unset=True)
    with transactions.transaction(connection, actor=actor, reason="percent", comment=change.comment):
        segment_id = live_segment.hold(connection, slug)
        if "slug" in fields:
            expiry.end_expired(connection, segment_id)
            names.lock(connection, fields["slug"])
        steps_cancelled = schedule.cancel_pending(connection, segment_id) if "user_percent" in fields else 0
        row = _update(connection, segment_id, fields)
        outcome = percent.Outcome()
        if change.user_percent is not None:
            outcome = set_percent(connection, segment_id, change.user_percent, actor=actor)
        elif "user_percent" in fields:
            percent.stop(connection, segment_id)
    percent.count_metrics(outcome)
    changed = SegmentChanged(
        **row, users_added=outcome.added, users_deleted=outcome.deleted, steps_cancelled=steps_cancelled or None
    )
    if outcome.job_id is None:
        return changed
    queue.request_worker(outcome.job_id)
    return SegmentChangedByJob(**dict(changed), job_id=outcome.job_id)


def _update(connection: Connection, segment_id: int, fields: dict[str, Any]) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        try:
            cursor.execute(
                """
                update segments
                   set slug = coalesce(%s::text, slug),
                       description = case when %s::boolean then %s::text else description end,
                       owner = case when %s::boolean then %s::text else owner end,
                       user_percent = case when %s::boolean then %s::numeric else user_percent end
                 where segments.segment_id = %s::integer
             returning slug, user_percent, description, owner, created_at, updated_at
                """,
                (
                    fields.get("slug"),
                    "description" in fields,
                    fields.get("description"),
                    "owner" in fields,
                    fields.get("owner"),
                    "user_percent" in fields,
                    fields.get("user_percent"),
                    segment_id,
                ),
            )
        except errors.UniqueViolation:
            raise SlugTaken(fields["slug"]) from None
        [row] = cursor.fetchall()
    return row


def delete(connection: Connection, slug: str, *, comment: str | None = None, actor: str) -> Done:
    """Delete a segment, which ends all its memberships and cancels its steps. Raises SegmentUnknown.

    From this moment no read shows the segment, and its slug is free. If it has more members than a request may end, a
    job writes their exits, and the answer has its id.
    """
    job_id, ended = None, deletion.Ended()
    with transactions.transaction(connection, actor=actor, comment=comment):
        segment_id = _mark_deleted(connection, slug, actor)
        if deletion.fits_in_request(connection, segment_id):
            ended = deletion.end_memberships(connection, segment_id, most=deletion.MOST_MEMBERS)
            deletion.delete_rollout(connection, segment_id)
        else:
            job_id = deletion.create_job(connection, segment_id, actor=actor)
        change_log.count(connection, segment_id, deleted=ended.active, job_id=job_id)
    metrics.count("MembershipsRemoved", ended.removed)
    if job_id is None:
        return Done()
    queue.request_worker(job_id)
    return DoneByJob(job_id=job_id)


def _mark_deleted(connection: Connection, slug: str, actor: str) -> int:
    """Set the time of the deletion. The locks wait for writers, and a trigger for arrivals: no entry is later."""
    segment_id = live_segment.hold(connection, slug)
    expiry.keep_out(connection, segment_id)
    connection.execute(
        """
        update segments
           set deleted_at = next_moment(), deleted_by = %s::text
         where segments.segment_id = %s::integer
        """,
        (actor, segment_id),
    )
    return segment_id


def list_members(connection: Connection, slug: str, *, after: int, limit: int) -> MemberPage:
    """Return the current members of a segment after a user id, in order of user id. Raises SegmentUnknown."""
    segment_id = live_segment.find(connection, slug)
    with connection.cursor(row_factory=class_row(Member)) as cursor:
        rows = cursor.execute(
            """
            select memberships.user_id, memberships.added_at, memberships.expires_at
              from memberships
             where memberships.segment_id = %s::integer and memberships.user_id > %s::bigint
               and is_active(memberships.expires_at)
             order by memberships.user_id
             limit %s::integer
            """,
            (segment_id, after, limit + 1),
        ).fetchall()
    users, next_cursor = cursors.page(rows, limit, lambda member: member.user_id)
    return MemberPage(users=users, next_cursor=next_cursor)
