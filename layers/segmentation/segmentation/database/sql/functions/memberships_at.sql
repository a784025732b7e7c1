-- Return the segments that a user was in at an instant, with the slugs and the lifetimes of that time.
-- The state is undone from the present: the first operation after the instant decides about its segment. An exit or a
-- new lifetime means a member, an entry means none. Without such an operation the current membership decides. So the
-- answer needs no month before the instant, and reads one range of one index.
-- Before the instant, the function looks up only the entry of a member who has left, and a lifetime that was replaced.
-- If that month was dropped, the entry is null and the lifetime is the one that replaced it.
-- A membership ends with its lifetime and with its segment, whether or not its exit is written.
-- The function is stable: all its statements see the same snapshot.
create or replace function memberships_at(p_user_id bigint, p_at timestamptz)
    returns table (segment_id integer, slug text, added_at timestamptz, expires_at timestamptz)
language plpgsql stable
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    set jit = off
as $$
#variable_conflict use_column
begin
    return query
    with later as materialized (
        select distinct on (history.segment_id) history.segment_id, history.action_id, history.expires_at
          from history
         where history.user_id = p_user_id and history.executed_at > p_at and history.action_id <= 3
         order by history.segment_id, history.executed_at, history.history_id),
    undone as materialized (
        select later.segment_id,
               coalesce(max(entries.executed_at) filter (where entries.action_id = 1), max(present.added_at)) as added_at,
               case when later.action_id = 2 or count(entries.segment_id) = 0 then later.expires_at
                    else (array_agg(entries.expires_at order by entries.executed_at desc, entries.action_id desc))[1]
               end as expires_at
          from later
          left join entries_before(
               p_user_id, p_at, array(select later.segment_id from later where later.action_id <> 1)) entries
            on entries.segment_id = later.segment_id
          left join memberships present
            on present.user_id = p_user_id and present.segment_id = later.segment_id and present.added_at <= p_at
         where later.action_id <> 1
         group by later.segment_id, later.action_id, later.expires_at),
    found as (
        select undone.segment_id, undone.added_at, undone.expires_at
          from undone
         union all
        select memberships.segment_id, memberships.added_at, memberships.expires_at
          from memberships
         where memberships.user_id = p_user_id and memberships.added_at <= p_at
           and memberships.segment_id not in (select later.segment_id from later))
    select found.segment_id, coalesce(named.slug, segments.slug), found.added_at, found.expires_at
      from found
      join segments on segments.segment_id = found.segment_id
      left join lateral (
           select segment_changes.after ->> 'slug' as slug
             from segment_changes
            where segment_changes.segment_id = found.segment_id and segment_changes.changed_at <= p_at
              and segment_changes.after ? 'slug'
            order by segment_changes.changed_at desc, segment_changes.change_id desc
            limit 1) named on true
     where (found.expires_at > p_at) is not false
       and (segments.deleted_at > p_at) is not false;
end
$$;
