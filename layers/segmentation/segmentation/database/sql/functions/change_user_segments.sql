-- Change the memberships of one user. If a slug is unknown or the lifetime is over, change nothing.
-- The call is one round trip. It takes its locks in this order: the writers' advisory lock (see hold_segment), the
-- segments, the user, the memberships.
-- - Every writer of a user waits for the one before it. Each statement after that lock sees what the other committed.
-- - The segments need no order among each other. They are locked for share, and a transaction that locks a segment
--   exclusively holds no other segment.
-- - The time is read after the last lock, so the history of a user and a segment is in time order.
-- The trigger gets the time of the removals as a setting, so that the history and the count of the answer agree.
-- A new user is not enrolled by a percent in the segments that the request names. What the request decides about a
-- percent segment is stored, and the percent leaves it alone.
-- The entries have one lifetime, p_ttl or p_expires_at, or lifetimes of their own, p_ttls and p_ends in the order of
-- p_add. Then p_ttls is not null, and a null in both arrays means no end.
-- Plans are made once per session (force_generic_plan). Postgres would otherwise plan again for the lists of each call.
-- They use indexes (enable_seqscan), also for the checks of foreign keys. A session would otherwise keep a plan for a
-- small table while the table grows.
-- "offset 0" makes Postgres look up each segment by itself. It would otherwise read all segments, because it
-- overestimates the cost of random reads (random_page_cost). docs/decisions/0014 has the profile.
create or replace function change_user_segments(
    p_user_id bigint, p_add text[], p_delete text[], p_ttl integer, p_expires_at timestamptz, p_ttls integer[],
    p_ends timestamptz[], p_actor text,
    out unknown_slugs text[], out segments_added integer, out segments_deleted integer)
language plpgsql
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set jit = off
as $$
declare
    v_add integer[];
    v_delete integer[];
    v_setting text;
    v_gate text;
    v_present integer;
    v_first_end timestamptz;
    v_moment timestamptz;
    v_over integer;
    v_ends timestamptz[];
    v_rows integer;
begin
    segments_added := 0;
    segments_deleted := 0;

    -- The result is assigned because PERFORM would run a query.
    v_gate := pg_advisory_xact_lock_shared(0, 0);
    select coalesce(array_agg(locked.segment_id) filter (where named.position <= cardinality(p_add)), '{}'),
           coalesce(array_agg(locked.segment_id) filter (where named.position > cardinality(p_add)), '{}'),
           coalesce(array_agg(named.slug) filter (where locked.segment_id is null), '{}')
      into v_add, v_delete, unknown_slugs
      from unnest(p_add || p_delete) with ordinality named (slug, position)
      left join lateral (
           select segments.segment_id
             from segments
            where segments.slug = named.slug and segments.deleted_at is null
           offset 0
              for share) locked on true;
    if unknown_slugs <> '{}' then
        unknown_slugs := array(select distinct unknown.slug from unnest(unknown_slugs) unknown (slug) order by 1);
        return;
    end if;

    v_setting := set_config('segmentation.actor', p_actor, true);
    loop
        perform from users where users.user_id = p_user_id for no key update;
        exit when found;
        perform set_config('segmentation.by_hand', (v_add || v_delete)::text, true);
        insert into users (user_id) values (p_user_id) on conflict do nothing;
    end loop;

    if v_delete <> '{}' then
        v_moment := next_moment();
        v_setting := set_config('segmentation.removed_at', v_moment::text, true);
        with gone as (
            delete from memberships
             where memberships.user_id = p_user_id
               and memberships.segment_id = any (v_delete) and not memberships.segment_id = any (v_add)
         returning memberships.expires_at)
        select count(*) filter (where gone.expires_at is null or gone.expires_at > v_moment)
          into segments_deleted
          from gone;
        v_setting := set_config('segmentation.removed_at', '', true);
    end if;
    select count(*), min(present.expires_at)
      into v_present, v_first_end
      from (select memberships.expires_at
              from memberships
             where memberships.user_id = p_user_id and memberships.segment_id = any (v_add)
               for update) present;

    v_moment := next_moment();
    if p_ttls is null then
        v_ends := array_fill(end_of_lifetime(v_moment, p_ttl, p_expires_at), array[cardinality(v_add)]);
    else
        v_ends := array(
            select coalesce(v_moment + make_interval(secs => own.ttl), own.ends_at)
              from unnest(p_ttls, p_ends) with ordinality own (ttl, ends_at, position)
             order by own.position);
        select min(own.position) - 1 into v_over
          from unnest(v_ends) with ordinality own (ends_at, position)
         where own.ends_at <= v_moment;
        if v_over is not null then
            raise check_violation using constraint = 'memberships_expire_after_entry',
                                        column = format('add_segments.%s.expires_at', v_over);
        end if;
    end if;

    if v_first_end <= v_moment then
        update memberships
           set added_at = v_moment, expires_at = v_ends[array_position(v_add, segment_id)], source = 'manual'
         where memberships.user_id = p_user_id and memberships.segment_id = any (v_add)
           and memberships.expires_at <= v_moment;
        get diagnostics segments_added = row_count;
    end if;
    if v_present < cardinality(v_add) then
        insert into memberships (user_id, segment_id, added_at, expires_at)
        select p_user_id, added.segment_id, v_moment, added.ends_at
          from unnest(v_add, v_ends) added (segment_id, ends_at)
            on conflict do nothing;
        get diagnostics v_rows = row_count;
        segments_added := segments_added + v_rows;
    end if;

    if exists (select from rollouts where rollouts.segment_id = any (v_add || v_delete)) then
        insert into rollout_overrides (user_id, segment_id, included)
        select p_user_id, rollouts.segment_id, rollouts.segment_id = any (v_add)
          from rollouts
         where rollouts.segment_id = any (v_add || v_delete)
         order by rollouts.segment_id
            on conflict (user_id, segment_id) do update set included = excluded.included
         where rollout_overrides.included <> excluded.included;
    end if;
end
$$;
