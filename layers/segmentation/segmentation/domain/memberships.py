"""Memberships: add and remove users, change lifetimes, and list the segments of users."""

from collections import Counter
from datetime import datetime
from typing import LiteralString

from psycopg import Connection, Cursor
from psycopg.rows import tuple_row

from segmentation.contract.problems import MAX_ANSWER_BYTES, AnswerTooLarge, MembershipUnknown, SegmentUnknown
from segmentation.contract.requests import LifetimeChange, MembershipChange
from segmentation.contract.responses import FreshJson, Membership, MembershipsChanged, UserBatchSegments
from segmentation.database import lists, one_statement
from segmentation.runtime import metrics

# A user is in few segments, so both queries look segments up one by one. "offset 0" prevents a join, which would read
# all segments for each user: Postgres overestimates the cost of random reads (random_page_cost).

# "limit": 80,000 memberships exceed MAX_ANSWER_BYTES whatever their slugs are.
SEGMENTS_OF_USER: LiteralString = """
    select segment.slug, memberships.added_at, memberships.expires_at
      from memberships
     cross join lateral (
           select segments.slug
             from segments
            where segments.segment_id = memberships.segment_id and segments.deleted_at is null
           offset 0) segment
     where memberships.user_id = %s::bigint
       and is_active(memberships.expires_at)
     order by segment.slug
     limit 80000
    """

# The database writes the body of UserSegments, because rows, models and JSON would take Python longer. A slug needs no
# escape: the constraint segments_slug_grammar permits no such character.
# The second column is for max-age. The clock is that of the transaction: the answer was true then, and no later instant
# is certain. A membership that is due, but still active (is_still_active), gives 0.
JSON_OF_USER: LiteralString = f"""
    select format('{{"segments":[%%s]}}', string_agg(
               format(
                   '{{"slug":"%%s","added_at":%%s,"expires_at":%%s}}',
                   found.slug, instant_as_json(found.added_at), instant_as_json(found.expires_at)),
               ',')) as body,
           greatest(0, least(30, floor(date_part('epoch', min(found.expires_at) - now()))))::integer as max_age
      from ({SEGMENTS_OF_USER}) found
    """  # noqa: S608 # nosec B608 -- both texts are constants

# The database adds up the size of the answer and leaves out the slugs if it exceeds the third parameter, so an answer
# that cannot be sent is never built. A slug takes five bytes more than its length: two escaped quotation marks and a
# comma. "limit": 750,001 slugs exceed MAX_ANSWER_BYTES whatever they are.
SLUGS_OF_USERS: LiteralString = """
    select counted.user_id, case when counted.bytes <= %s::bigint then counted.slugs end as slugs
      from (
           select found.user_id,
                  array_agg(found.slug order by found.slug) as slugs,
                  sum(sum(found.times * (length(found.slug) + 5))) over () as bytes
             from (
                  select wanted.user_id, wanted.times, segment.slug
                    from unnest(%s::bigint[], %s::integer[]) wanted (user_id, times)
                   cross join lateral (
                         select segment.slug
                           from memberships
                          cross join lateral (
                                select segments.slug
                                  from segments
                                 where segments.segment_id = memberships.segment_id and segments.deleted_at is null
                                offset 0) segment
                          where memberships.user_id = wanted.user_id
                            and is_active(memberships.expires_at)) segment
                   limit 750001) found
            group by found.user_id) counted
    """


_CHANGE = one_statement.Change(
    call="""change_user_segments(
        %(user_id)s::bigint, %(add_segments)s::text[], %(delete_segments)s::text[], %(ttl)s::integer,
        %(expires_at)s::timestamptz, %(ttls)s::integer[], %(ends)s::timestamptz[],
        with_comment(%(actor)s::text, %(comment)s::text))""",
    body="""
        case when changed.unknown_slugs = '{}' then format(
            '{"segments_added":%%s,"segments_deleted":%%s}', changed.segments_added, changed.segments_deleted) end
        """,
)

_LIFETIME_CHANGE = one_statement.Change(
    call="""change_lifetime(
        %(user_id)s::bigint, %(slug)s::text, %(ttl)s::integer, %(expires_at)s::timestamptz,
        with_comment(%(actor)s::text, %(comment)s::text))""",
    body="""
        format('{"slug":%%s,"added_at":%%s,"expires_at":%%s}',
               to_json(%(slug)s::text), instant_as_json(changed.added_at), instant_as_json(changed.expires_at))
        """,
)


def change(connection: Connection, wanted: MembershipChange, *, actor: str) -> MembershipsChanged:
    """Add a user to segments and remove the user from others, all or nothing.

    An active membership stays unchanged, including its lifetime. Raises SegmentUnknown with every unknown slug, or
    RequestInvalid if the lifetime is over. sql/functions/change_user_segments.sql has the reasons for one statement.
    """
    ttls, ends = _own_lifetimes(wanted)
    parameters = {**vars(wanted), "add_segments": wanted.slugs_to_add, "ttls": ttls, "ends": ends, "actor": actor}
    [changed] = one_statement.run(connection, _CHANGE, parameters)
    if changed["unknown_slugs"]:
        raise SegmentUnknown(changed["unknown_slugs"])
    added, deleted = changed["segments_added"], changed["segments_deleted"]
    metrics.count("MembershipsAdded", added)
    metrics.count("MembershipsRemoved", deleted)
    return MembershipsChanged(segments_added=added, segments_deleted=deleted)


def _own_lifetimes(wanted: MembershipChange) -> tuple[list[int | None] | None, list[datetime | None] | None]:
    """Return the ttl and the end of each entry, or None twice if all entries have the lifetime of the request."""
    if all(isinstance(entry, str) for entry in wanted.add_segments):
        return None, None
    lifetimes = [wanted if isinstance(entry, str) else entry for entry in wanted.add_segments]
    return [each.ttl for each in lifetimes], [each.expires_at for each in lifetimes]


def change_lifetime(
    connection: Connection, user_id: int, slug: str, wanted: LifetimeChange, *, actor: str
) -> Membership:
    """Give an active membership another lifetime, or none, and return the membership.

    Raises MembershipUnknown if it is not active, or RequestInvalid if the new lifetime is over.
    """
    parameters = {**vars(wanted), "user_id": user_id, "slug": slug, "actor": actor}
    for changed in one_statement.run(connection, _LIFETIME_CHANGE, parameters):
        return Membership(slug=slug, added_at=changed["added_at"], expires_at=changed["expires_at"])
    raise MembershipUnknown(f"User {user_id} is not in the segment {slug} now.", slugs=[slug])


def list_for_user(cursor: Cursor, user_id: int) -> FreshJson:
    """Return a user's current segments (UserSegments) as JSON, in order of slug. An unknown user has none."""
    [(body, max_age)] = cursor.execute(JSON_OF_USER, (user_id,)).fetchall()
    return FreshJson(body, max_age)


def list_for_users(connection: Connection, user_ids: list[int]) -> UserBatchSegments:
    """Return the slugs of each user's current segments, in the order of the given users.

    A repeated id is looked up once. Raises AnswerTooLarge.
    """
    times = Counter(user_ids)
    cursor = lists.cursor(connection, times, times, row_factory=tuple_row)
    slugs: dict[int, list[str] | None] = dict(
        cursor.execute(SLUGS_OF_USERS, (MAX_ANSWER_BYTES, [*times], [*times.values()])).fetchall()
    )
    if None in slugs.values():
        raise AnswerTooLarge.of_users()
    users = [{"user_id": user_id, "segments": slugs.get(user_id, [])} for user_id in user_ids]
    return UserBatchSegments.model_validate({"users": users})
