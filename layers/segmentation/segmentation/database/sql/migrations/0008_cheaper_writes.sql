-- Writes as they were, in half the time: docs/decisions/0014-speed-of-writes.md has the profile behind each step.
-- Segments are looked up one by one ("offset 0" keeps Postgres from joining instead): a write is about few of them, and
-- Postgres would read all there are, because it takes random reads for dear.

-- As before: all of it, or nothing where a slug is unknown or the lifetime is over; one round trip. Every write of a
-- user waits for the one before it, and each statement behind that lock sees what it has committed. Segments are
-- locked first: what deletes, renames or fills one holds no other, so that the order among them is free. The moment
-- is read after the last lock, so that the history of a user and segment is in time order.
-- Plans are made once a session: Postgres would take a plan for the very lists of each call to be worth planning it.
create or replace function change_memberships(
    p_user_id bigint, p_add text[], p_delete text[], p_ttl integer, p_expires_at timestamptz, p_actor text,
    out unknown_slugs text[], out segments_added integer, out segments_deleted integer)
language plpgsql set plan_cache_mode = force_generic_plan
as $$
declare
    v_add integer[];
    v_delete integer[];
    v_actor text;
    v_present integer;
    v_first_end timestamptz;
    v_moment timestamptz;
    v_expires_at timestamptz;
    v_rows integer;
begin
    segments_added := 0;
    segments_deleted := 0;

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

    -- assigned, because PERFORM would run a query for it
    v_actor := set_config('segmentation.actor', p_actor, true);
    loop
        perform from users where users.user_id = p_user_id for no key update;
        exit when found;
        perform set_config('segmentation.by_hand', (v_add || v_delete)::text, true);
        insert into users (user_id) values (p_user_id) on conflict do nothing;
    end loop;

    if v_delete <> '{}' then
        with gone as (
            delete from memberships
             where memberships.user_id = p_user_id
               and memberships.segment_id = any (v_delete) and not memberships.segment_id = any (v_add)
         returning memberships.expires_at)
        select count(*) filter (where gone.expires_at is null or gone.expires_at > clock_timestamp())
          into segments_deleted
          from gone;
    end if;
    select count(*), min(present.expires_at)
      into v_present, v_first_end
      from (select memberships.expires_at
              from memberships
             where memberships.user_id = p_user_id and memberships.segment_id = any (v_add)
               for update) present;

    v_moment := clock_timestamp();
    v_expires_at := end_of_lifetime(v_moment, p_ttl, p_expires_at);

    if v_first_end <= v_moment then
        update memberships
           set added_at = v_moment, expires_at = v_expires_at, source = 'manual'
         where memberships.user_id = p_user_id and memberships.segment_id = any (v_add)
           and memberships.expires_at <= v_moment;
        get diagnostics segments_added = row_count;
    end if;
    if v_present < cardinality(v_add) then
        insert into memberships (user_id, segment_id, added_at, expires_at)
        select p_user_id, added.segment_id, v_moment, v_expires_at
          from unnest(v_add) added (segment_id)
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

-- As before; the actor is asked for once, not once a row.
create or replace function record_entries() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_actor constant text := history_actor();
    v_rows bigint;
begin
    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select entered.user_id, entered.segment_id, segment.slug, 1, entered.source, v_actor,
           entered.expires_at, entered.added_at
      from entered
     cross join lateral (
           select segments.slug from segments where segments.segment_id = entered.segment_id offset 0) segment;
    get diagnostics v_rows = row_count;
    v_rows := count_operations('operations_added', v_rows);
    return null;
end
$$;

create or replace function record_exits() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_moment constant timestamptz := clock_timestamp();
    v_reason constant reason := history_reason();
    v_actor constant text := history_actor();
    v_rows bigint;
begin
    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select gone.user_id, gone.segment_id, segment.slug, 2,
           case when gone.expires_at <= coalesce(segment.deleted_at, v_moment) then 'ttl'
                when segment.deleted_at is not null then 'segment_deleted'
                else v_reason end,
           case when gone.expires_at <= coalesce(segment.deleted_at, v_moment) then 'schedule'
                when segment.deleted_at is not null then coalesce(segment.deleted_by, v_actor)
                else v_actor end,
           gone.expires_at,
           least(gone.expires_at, segment.deleted_at, v_moment)
      from gone
     cross join lateral (
           select segments.slug, segments.deleted_at, segments.deleted_by
             from segments
            where segments.segment_id = gone.segment_id
           offset 0) segment;
    get diagnostics v_rows = row_count;
    v_rows := count_operations('operations_deleted', v_rows);
    return null;
end
$$;
