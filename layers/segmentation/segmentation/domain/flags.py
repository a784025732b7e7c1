"""Flags: segments as OFREP evaluates them for one user."""

from typing import LiteralString

from psycopg import Cursor

from segmentation.contract.evaluation import FlagsTooLarge, FlagUnknown
from segmentation.contract.problems import MAX_ANSWER_BYTES

# The database writes the body, as for the list of a user's segments (domain/memberships). A slug needs no escape.
# "offset 0" computes is_active once for each segment, because the queries below name it several times.
DECIDED: LiteralString = """
    select segments.segment_id, segments.slug, segments.user_percent, memberships.source, override.included,
           memberships.user_id is not null as is_stored,
           memberships.user_id is not null and is_active(memberships.expires_at) as is_member
      from segments
      left join (
           select memberships.user_id, memberships.segment_id, memberships.expires_at, memberships.source
             from memberships
            where memberships.user_id = %(user_id)s::bigint) memberships
        on memberships.segment_id = segments.segment_id
      left join (
           select rollout_overrides.segment_id, rollout_overrides.included
             from rollout_overrides
            where rollout_overrides.user_id = %(user_id)s::bigint) override
        on override.segment_id = segments.segment_id
     where segments.deleted_at is null
    """

_OUTSIDE: LiteralString = """
    with outside as materialized (
         select reasons.segment_id, reasons.because from reasons_outside(%(user_id)s::bigint) reasons)
    """

# An override without an entry or exit is a decision by hand about a user who was no member. It has no word of its own.
_BECAUSE: LiteralString = """
    case
        when decided.is_member then
            case decided.source when 'percent' then 'by_percent' when 'import' then 'by_import' else 'by_hand' end
        when decided.is_stored then 'expired'
        when {of_segment} is not null then {of_segment}
        when decided.included is not null then null
        when decided.user_percent > 0 and {of_others} = 'never_entered' then 'not_chosen'
        else {of_others}
    end
    """

_FLAG: LiteralString = """
    '{"key":"' || flag.slug
    || case
           when flag.is_member then '","value":true,"variant":"on","reason":"'
           else '","value":false,"variant":"off","reason":"'
       end
    || case
           when flag.user_percent is not null and flag.included is null
                and (not flag.is_member or flag.source = 'percent')
           then 'SPLIT'
           else 'TARGETING_MATCH'
       end
    || '","metadata":{' || coalesce('"because":"' || flag.because || '"', '') || '}}'
    """

# Subqueries, because they are run for a user outside the segment only: the history costs as much as the rest.
_BECAUSE_OF_ONE: LiteralString = _BECAUSE.format(
    of_segment="(select outside.because from outside where outside.segment_id = decided.segment_id)",
    of_others="(select outside.because from outside where outside.segment_id is null)",
)
JSON_OF_FLAG: LiteralString = f"""
    {_OUTSIDE}
    select {_FLAG}
      from (select decided.*, {_BECAUSE_OF_ONE} as because
              from ({DECIDED} and segments.slug = %(key)s::text offset 0) decided
            offset 0) flag
    """  # noqa: S608 # nosec B608 -- all texts are constants

_BECAUSE_OF_EACH: LiteralString = _BECAUSE.format(of_segment="of_segment.because", of_others="of_others.because")
# Lambda embeds the body as a text, in which each quotation mark takes two bytes: sixteen in a flag, four in its
# because, and four around all. "limit": 80,000 flags exceed MAX_ANSWER_BYTES whatever their slugs are.
JSON_OF_FLAGS: LiteralString = f"""
    {_OUTSIDE}
    select case
               when length(found.body) + 16 * found.flags + 4 * found.reasons + 4 <= %(bytes)s::bigint
               then found.body
           end
      from (
           select '{{"flags":[' || coalesce(string_agg({_FLAG}, ',' order by flag.slug), '') || ']}}' as body,
                  count(*) as flags, count(flag.because) as reasons
             from (select decided.*, {_BECAUSE_OF_EACH} as because
                     from ({DECIDED} order by segments.slug limit 80000) decided
                     left join outside of_segment on of_segment.segment_id = decided.segment_id
                     left join outside of_others on of_others.segment_id is null
                   offset 0) flag
           offset 0) found
    """  # noqa: S608 # nosec B608 -- all texts are constants


def evaluate(cursor: Cursor, key: str, user_id: int) -> str:
    """Return whether a user is in a segment (Flag) as JSON. Raises FlagUnknown."""
    for (body,) in cursor.execute(JSON_OF_FLAG, {"key": key, "user_id": user_id}).fetchall():
        return str(body)
    raise FlagUnknown(f"No segment has the slug {key}.")


def evaluate_all(cursor: Cursor, user_id: int) -> str:
    """Return the flags of all segments for a user (Flags) as JSON, in order of slug. Raises FlagsTooLarge."""
    [(body,)] = cursor.execute(JSON_OF_FLAGS, {"user_id": user_id, "bytes": MAX_ANSWER_BYTES}).fetchall()
    if body is None:
        raise FlagsTooLarge
    return str(body)
