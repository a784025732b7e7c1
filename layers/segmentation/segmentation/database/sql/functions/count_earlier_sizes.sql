-- Count the last operations before the counted time, at most one day, and about so many recorded rows.
-- Return whether operations are left. The first months of the history may be dropped. So the counting goes back from
-- the known members, and the days begin where the history begins.
create or replace function count_earlier_sizes(p_rows integer) returns boolean
language plpgsql security definer set search_path = public, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
    v_progress size_progress;
    v_last timestamptz;
    v_row timestamptz;
    v_from timestamptz;
begin
    if not pg_try_advisory_xact_lock(10, 0) then
        return false;
    end if;
    select * into v_progress from size_progress;
    if v_progress.is_complete is not false or v_progress.opened_until is not null then
        return false;
    end if;

    v_last := greatest(
        (select max(history.executed_at) from history where history.executed_at < v_progress.counted_from),
        (select max(memberships.expires_at) from memberships where memberships.expires_at < v_progress.counted_from),
        (select max(segments.deleted_at)
           from segments
          where segments.is_emptying and segments.deleted_at < v_progress.counted_from));
    if v_last is null then
        update size_progress set is_complete = true;
        return false;
    end if;
    v_from := date_trunc('day', v_last, 'UTC');
    select history.executed_at
      into v_row
      from history
     where history.executed_at >= v_from and history.executed_at < v_progress.counted_from
     order by history.executed_at desc
    offset p_rows - 1
     limit 1;
    v_from := coalesce(v_row, v_from);
    perform shift_segment_days_by_operations(v_from, v_progress.counted_from, false);
    update size_progress set counted_from = v_from;
    return true;
end
$$;

revoke all on function count_earlier_sizes(integer) from public;
grant execute on function count_earlier_sizes(integer) to segmentation_app;
