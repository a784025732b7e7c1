"""Segments: named groups of users; a deleted one frees its slug and keeps its past."""

from psycopg import Connection, errors
from psycopg.rows import class_row, scalar_row

from segmentation import database, pages
from segmentation.problems import SegmentUnknown, SlugTaken
from segmentation.requests import NewSegment, SegmentChange
from segmentation.responses import (
    Member,
    MemberPage,
    Segment,
    SegmentChanged,
    SegmentCreated,
    SegmentPage,
    SegmentWithMembers,
)


def create(connection: Connection, new: NewSegment) -> SegmentCreated:
    """Create a segment; raises SlugTaken where a living one has its slug."""
    with connection.cursor(row_factory=class_row(SegmentCreated)) as cursor:
        try:
            cursor.execute(
                """
                insert into segments (slug, description)
                values (%s, %s)
                returning slug, user_percent, description, created_at
                """,
                (new.slug, new.description),
            )
        except errors.UniqueViolation:
            raise SlugTaken(new.slug) from None
        [created] = cursor.fetchall()
    return created


def list_segments(connection: Connection, *, prefix: str, after: str, limit: int) -> SegmentPage:
    """Return the segments whose slugs begin with a prefix and follow a slug, in order of slug."""
    with connection.cursor(row_factory=class_row(Segment)) as cursor:
        rows = cursor.execute(
            """
            select segments.slug, segments.user_percent, segments.description, segments.created_at,
                   segments.updated_at
              from segments
             where segments.deleted_at is null and segments.slug > %s::text
               -- a tilde sorts behind every character of a slug
               and segments.slug >= %s::text and segments.slug < %s::text || '~'
             order by segments.slug
             limit %s::integer
            """,
            (after, prefix, prefix, limit + 1),
        ).fetchall()
    segments, next_cursor = pages.page(rows, limit, lambda segment: segment.slug)
    return SegmentPage(segments=segments, next_cursor=next_cursor)


def get(connection: Connection, slug: str) -> SegmentWithMembers:
    """Return a segment with the exact number of its members now; raises SegmentUnknown."""
    with connection.cursor(row_factory=class_row(SegmentWithMembers)) as cursor:
        segment = cursor.execute(
            """
            select segments.slug, segments.user_percent, segments.description, segments.created_at,
                   segments.updated_at,
                   (select count(*)
                      from memberships
                     where memberships.segment_id = segments.segment_id
                       and (memberships.expires_at is null or memberships.expires_at > now())) as members
              from segments
             where segments.slug = %s::text and segments.deleted_at is null
            """,
            (slug,),
        ).fetchone()
    if segment is None:
        raise SegmentUnknown([slug])
    return segment


def update(connection: Connection, slug: str, change: SegmentChange) -> SegmentChanged:
    """Rename or describe a segment; raises SegmentUnknown, or SlugTaken where a living one has the new slug."""
    named = change.model_dump(exclude_unset=True)
    with connection.cursor(row_factory=class_row(SegmentChanged)) as cursor:
        try:
            cursor.execute(
                """
                update segments
                   set slug = coalesce(%s::text, slug),
                       description = case when %s::boolean then %s::text else description end,
                       updated_at = now()
                 where segments.slug = %s::text and segments.deleted_at is null
             returning slug, user_percent, description, created_at, updated_at
                """,
                (named.get("slug"), "description" in named, named.get("description"), slug),
            )
        except errors.UniqueViolation:
            raise SlugTaken(change.slug) from None
        changed = cursor.fetchone()
    if changed is None:
        raise SegmentUnknown([slug])
    return changed


def delete(connection: Connection, slug: str, *, actor: str) -> None:
    """Delete a segment and end every membership in it; raises SegmentUnknown.

    The lock comes first: it waits for the writers who are adding members, and the removal, a statement of its
    own, then sees what they committed.
    """
    with database.transaction(connection, actor=actor), connection.cursor(row_factory=scalar_row) as cursor:
        segment_id = cursor.execute(
            """
            select segments.segment_id
              from segments
             where segments.slug = %s::text and segments.deleted_at is null
               for update
            """,
            (slug,),
        ).fetchone()
        if segment_id is None:
            raise SegmentUnknown([slug])
        cursor.execute(
            "update segments set deleted_at = clock_timestamp() where segments.segment_id = %s::integer",
            (segment_id,),
        )
        cursor.execute("delete from memberships where memberships.segment_id = %s::integer", (segment_id,))


def list_members(connection: Connection, slug: str, *, after: int, limit: int) -> MemberPage:
    """Return the members of a segment now that follow a user id, in order of user id; raises SegmentUnknown."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        segment_id = cursor.execute(
            """
            select segments.segment_id
              from segments
             where segments.slug = %s::text and segments.deleted_at is null
            """,
            (slug,),
        ).fetchone()
    if segment_id is None:
        raise SegmentUnknown([slug])
    with connection.cursor(row_factory=class_row(Member)) as cursor:
        rows = cursor.execute(
            """
            select memberships.user_id, memberships.added_at, memberships.expires_at
              from memberships
             where memberships.segment_id = %s::integer and memberships.user_id > %s::bigint
               and (memberships.expires_at is null or memberships.expires_at > now())
             order by memberships.user_id
             limit %s::integer
            """,
            (segment_id, after, limit + 1),
        ).fetchall()
    users, next_cursor = pages.page(rows, limit, lambda member: member.user_id)
    return MemberPage(users=users, next_cursor=next_cursor)
