-- Count the members that each segment had at an instant, for some of the users. Return whether users are left.
-- The first call fixes the instant. All rows dated before it are committed (the caller waits for the watermark).
-- A user's memberships at the instant are those of today, without the later entries and with the later exits. So the
-- batches of users may be counted one after another, while other sessions write.
create or replace function open_sizes(p_instant timestamptz, p_rows integer) returns boolean
language plpgsql security definer set search_path = public, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
    v_progress size_progress;
    v_last bigint;
    v_read integer;
    v_segment_ids integer[];
    v_members bigint[];
begin
    if not pg_try_advisory_xact_lock(10, 0) then
        return false;
    end if;
    insert into size_progress (counted_from, counted_until, opened_until)
    values (p_instant, p_instant, 0)
        on conflict do nothing;
    select * into v_progress from size_progress;
    if v_progress.opened_until is null then
        return false;
    end if;

    select max(batch.user_id), count(*)
      into v_last, v_read
      from (select memberships.user_id
              from memberships
             where memberships.user_id > v_progress.opened_until
             order by memberships.user_id
             limit p_rows) batch;
    if v_read < p_rows then
        v_last := 9223372036854775807;  -- also the users who have left every segment since the instant
    end if;

    select coalesce(array_agg(opened.segment_id), '{}'), array_agg(opened.members)
      into v_segment_ids, v_members
      from (select counted.segment_id, sum(counted.members)::bigint as members
              from (select memberships.segment_id, 1 as members
                      from memberships
                      join segments on segments.segment_id = memberships.segment_id
                     where memberships.user_id > v_progress.opened_until and memberships.user_id <= v_last
                       and (least(memberships.expires_at, segments.deleted_at) < v_progress.counted_from) is not true
                     union all
                    select history.segment_id, case history.action_id when 1 then -1 else 1 end
                      from history
                     where history.executed_at >= v_progress.counted_from and history.action_id in (1, 2)
                       and history.user_id > v_progress.opened_until and history.user_id <= v_last
                       and history.segment_id is not null) counted
             group by counted.segment_id) opened
     where opened.members <> 0;

    insert into segment_days (segment_id, day, members)
    select opened.segment_id, (v_progress.counted_from at time zone 'UTC')::date,
           members_at_end_of(opened.segment_id, (v_progress.counted_from at time zone 'UTC')::date)
      from unnest(v_segment_ids) opened (segment_id)
        on conflict do nothing;
    update segment_days
       set members = segment_days.members + opened.members
      from unnest(v_segment_ids, v_members) opened (segment_id, members)
     where segment_days.segment_id = opened.segment_id;

    update size_progress set opened_until = case when v_read < p_rows then null else v_last end;
    return v_read = p_rows;
end
$$;

revoke all on function open_sizes(timestamptz, integer) from public;
grant execute on function open_sizes(timestamptz, integer) to segmentation_app;
