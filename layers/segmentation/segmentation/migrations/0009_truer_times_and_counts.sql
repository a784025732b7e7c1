-- Operations are counted by the statement that writes them, instead of in a loop behind it: a "where" that is always
-- true and evaluated once for every row. docs/decisions/0014-speed-of-writes.md has what it spares.

-- As before.
create or replace function record_entries() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_actor constant text := history_actor();
begin
    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select entered.user_id, entered.segment_id, segment.slug, 1, entered.source, v_actor,
           entered.expires_at, entered.added_at
      from entered
     cross join lateral (
           select segments.slug from segments where segments.segment_id = entered.segment_id offset 0) segment
     where nextval('operations_added') > 0;
    return null;
end
$$;

-- As before.
create or replace function record_exits() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_moment constant timestamptz := clock_timestamp();
    v_reason constant reason := history_reason();
    v_actor constant text := history_actor();
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
           offset 0) segment
     where nextval('operations_deleted') > 0;
    return null;
end
$$;
