-- Return the members of a segment at an instant whose membership has changed since then, as it was at that instant.
-- They are the first ones after a user, in order of user id, at most up to another one (first_changes).
-- The first change after the instant shows the state before it: an entry means that the user was no member.
-- The entry is null if the month of the entry was dropped.
-- The function is stable, so it sees the snapshot of the statement that calls it. "rows 1000" makes Postgres hash the
-- users. Plans are made for each call, because only the time selects the partitions.
create or replace function changed_members(
    p_segment_id integer, p_at timestamptz, p_after bigint, p_until bigint, p_most integer)
    returns table (user_id bigint, added_at timestamptz, expires_at timestamptz, source reason)
language plpgsql stable rows 1000
    set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
    return query
    select first.user_id, coalesce(membership.added_at, entry.executed_at),
           case when first.action_id = 2 then first.expires_at else lifetime.expires_at end,
           coalesce(membership.source, entry.reason)
      from (select change.user_id, change.action_id, change.expires_at
              from first_changes(p_segment_id, p_at, p_after, p_until) change
             where change.action_id <> 1
             order by change.user_id
             limit p_most) first
      left join lateral (
           select memberships.added_at, memberships.source
             from memberships
            where memberships.user_id = first.user_id and memberships.segment_id = p_segment_id
              and memberships.added_at <= p_at) membership on true
      left join lateral (
           select history.executed_at, history.reason
             from history
            where membership.added_at is null
              and history.user_id = first.user_id and history.executed_at <= p_at
              and history.segment_id = p_segment_id and history.action_id = 1
            order by history.executed_at desc
            limit 1) entry on true
      left join lateral (
           select history.expires_at
             from history
            where history.user_id = first.user_id and history.executed_at <= p_at
              and history.segment_id = p_segment_id and history.action_id in (1, 3)
            order by history.executed_at desc, history.history_id desc
            limit 1) lifetime on first.action_id = 3
     order by first.user_id;
end
$$;
