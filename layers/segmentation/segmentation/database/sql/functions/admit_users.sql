-- Enrol the users whom a statement inserts in the percent segments, all at once.
-- A segment in "by_hand" does not enrol them, because the request itself decides about it.
-- Plans are made once per session (force_generic_plan). Postgres would otherwise plan again for the numbers of each
-- statement. Every plan must therefore suit every size of the tables: it looks rows up by an index (enable_seqscan,
-- enable_bitmapscan). This includes the checks of foreign keys, which Postgres plans like any other statement.
-- JIT is off, because the huge cost of a plan with a disabled node would start it.
-- The users are in arrays, because a plan that joins "arrived" fits only the number of users that it was made for.
-- A statement whose users enter no segment inserts nothing, and so fires no trigger of memberships.
create or replace function admit_users() returns trigger
language plpgsql security definer set search_path = public, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set jit = off
as $$
declare
    v_by_hand constant integer[] := coalesce(nullif(current_setting('segmentation.by_hand', true), ''), '{}');
    v_ordinals bigint[];
    v_user_ids bigint[];
    v_segment_ids integer[];
begin
    perform from segments where segments.user_percent > 0 and segments.deleted_at is null limit 1;
    if not found then
        return null;
    end if;
    select array_agg(arrived.ordinal), array_agg(arrived.user_id) into v_ordinals, v_user_ids from arrived;
    select array_agg(enrolled.segment_id), array_agg(enrolled.user_id)
      into v_segment_ids, v_user_ids
      from enrolled_users(v_ordinals, v_user_ids) enrolled
     where enrolled.segment_id <> all (v_by_hand);
    if v_segment_ids is null then
        return null;
    end if;
    insert into memberships (user_id, segment_id, added_at, source)
    select enrolled.user_id, enrolled.segment_id, (select next_moment()), 'percent'
      from unnest(v_user_ids, v_segment_ids) enrolled (user_id, segment_id)
     order by enrolled.user_id, enrolled.segment_id
        on conflict do nothing;
    return null;
end
$$;

revoke all on function admit_users() from public;
