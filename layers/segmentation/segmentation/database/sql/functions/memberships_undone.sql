-- Return the memberships of a user at an instant, undone from the present.
-- The first operation after the instant decides about its segment. An exit or a new lifetime means a member, an entry
-- means none. Without such an operation the current membership decides. So the answer needs no month before the
-- instant, and reads one range of one index.
-- Only what has changed since is looked up before the instant: the entry of a member who has left, and a lifetime that
-- was replaced. Where that month was dropped, the entry is null and the lifetime is the one that replaced it.
-- p_segments and p_instants name the first operation of each segment after the instant. The last one is at p_until.
-- The caller has the settings for its plans: to set them takes longer than the plans do.
create or replace function memberships_undone(
    p_user_id bigint, p_at timestamptz, p_until timestamptz, p_segments integer[], p_instants timestamptz[])
    returns table (segment_id integer, added_at timestamptz, expires_at timestamptz)
language plpgsql stable
as $$
#variable_conflict use_column
begin
    return query
    with later as materialized (
        select first.segment_id, decides.action_id, decides.expires_at
          from unnest(p_segments, p_instants) first (segment_id, executed_at)
         cross join lateral (
               select history.action_id, history.expires_at
                 from history
                where history.user_id = p_user_id and history.executed_at = first.executed_at
                  and history.executed_at > p_at and history.executed_at <= p_until  -- only these months are opened
                  and history.segment_id = first.segment_id and history.action_id <= 3
                order by history.history_id
                limit 1) decides)
    select later.segment_id,
           coalesce(max(entries.executed_at) filter (where entries.action_id = 1), max(present.added_at)),
           case when later.action_id = 2 or count(entries.segment_id) = 0 then later.expires_at
                else (array_agg(entries.expires_at order by entries.executed_at desc, entries.action_id desc))[1] end
      from later
      left join entries_before(
           p_user_id, p_at, array(select later.segment_id from later where later.action_id <> 1)) entries
        on entries.segment_id = later.segment_id
      left join memberships present
        on present.user_id = p_user_id and present.segment_id = later.segment_id and present.added_at <= p_at
     where later.action_id <> 1
     group by later.segment_id, later.action_id, later.expires_at
     union all
    select memberships.segment_id, memberships.added_at, memberships.expires_at
      from memberships
     where memberships.user_id = p_user_id and memberships.added_at <= p_at
       and memberships.segment_id not in (select later.segment_id from later);
end
$$;
