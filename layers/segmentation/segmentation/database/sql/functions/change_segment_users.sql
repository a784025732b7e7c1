-- Add users to a segment and remove others. Return what happened to each of them:
-- - "added", or "already" for a member. The membership stays unchanged, including its lifetime.
-- - "removed", or "absent" for a user who is no member.
-- - "over" for an entry whose lifetime has ended. It changes nothing.
-- p_ttls and p_ends have the lifetimes of p_add, in its order. Null, also for a whole array, means no end.
-- No user may be named twice. p_reason becomes the reason in the history.
-- The caller has locked the live segment: it shares the writers' advisory lock and then the row, or it has called
-- hold_segment. This function locks the users and then the memberships, both in the order of user ids. The time is read
-- after the last lock, as in change_user_segments. A membership without an end needs no lock: only writers change it, and
-- they lock its user.
-- An expired membership that is not swept yet is deleted first, so that its exit has the end of its lifetime.
-- Plans are made once per session, for index look-ups. A plan for a small table would otherwise be kept while a
-- call fills it.
create or replace function change_segment_users(
    p_segment_id integer, p_add bigint[], p_ttls integer[], p_ends timestamptz[], p_delete bigint[], p_actor text,
    p_reason reason)
    returns table (user_id bigint, outcome text)
language plpgsql
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set jit = off
as $$
#variable_conflict use_column
declare
    v_moment timestamptz;
    v_expired bigint[] := '{}';
    v_removed bigint[];
    v_over bigint[];
    v_added bigint[];
begin
    perform set_config('segmentation.actor', p_actor, true),
            set_config('segmentation.reason', p_reason::text, true);
    perform lock_named_users(p_segment_id, p_add || p_delete);
    perform from memberships
      where memberships.segment_id = p_segment_id and memberships.user_id = any (p_add || p_delete)
        and memberships.expires_at is not null
      order by memberships.user_id
        for update;
    v_moment := next_moment();
    if found then
        v_expired := array(
            select memberships.user_id
              from memberships
             where memberships.segment_id = p_segment_id and memberships.user_id = any (p_add)
               and memberships.expires_at <= v_moment);
    end if;

    if p_delete || v_expired <> '{}' then
        perform set_config('segmentation.removed_at', v_moment::text, true);
        with gone as (
            delete from memberships
             where memberships.segment_id = p_segment_id and memberships.user_id = any (p_delete || v_expired)
         returning memberships.user_id, memberships.expires_at)
        select array_agg(gone.user_id) filter (where gone.expires_at is null or gone.expires_at > v_moment)
          into v_removed
          from gone;
        perform set_config('segmentation.removed_at', '', true);
        v_moment := next_moment();  -- an entry is later than the exit before it
    end if;

    v_over := array(
        select named.user_id from unnest(p_add, p_ends) named (user_id, ends_at) where named.ends_at <= v_moment);
    with entered as (
        insert into memberships (user_id, segment_id, added_at, expires_at, source)
        select named.user_id, p_segment_id, v_moment,
               coalesce(v_moment + make_interval(secs => named.ttl), named.ends_at), p_reason
          from unnest(p_add, p_ttls, p_ends) named (user_id, ttl, ends_at)
         where not (named.ends_at <= v_moment) is true
           and not exists (
               select from memberships
                where memberships.user_id = named.user_id and memberships.segment_id = p_segment_id
               offset 0)
         order by named.user_id
     returning memberships.user_id)
    select array_agg(entered.user_id) into v_added from entered;

    if exists (select from rollouts where rollouts.segment_id = p_segment_id) then
        insert into rollout_overrides (user_id, segment_id, included)
        select decided.user_id, p_segment_id, decided.included
          from (select included.user_id, true
                  from (select unnest(p_add) except select unnest(v_over)) included (user_id)
                 union all
                select unnest(p_delete), false) decided (user_id, included)
         order by decided.user_id
            on conflict (user_id, segment_id) do update set included = excluded.included
         where rollout_overrides.included <> excluded.included;
    end if;

    -- grouped, because a join of long arrays could compare each user with each other one
    return query
    select found.user_id, (array['already', 'absent', 'added', 'removed', 'over'])[max(found.rank)]
      from (select unnest(p_add), 1
             union all
            select unnest(p_delete), 2
             union all
            select unnest(v_added), 3
             union all
            select unnest(v_removed), 4
             union all
            select unnest(v_over), 5) found (user_id, rank)
     group by found.user_id;
end
$$;
