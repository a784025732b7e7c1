-- Count the operations after the counted time until an instant, at most one day, and about so many recorded rows.
-- Return whether operations are left. All rows dated before the instant are committed (the caller waits for the
-- watermark). A later row gets a later date, or that of an exit that is already counted as due. So each operation is
-- counted once, by its date, whenever its row is written.
create or replace function count_sizes(p_until timestamptz, p_rows integer) returns boolean
language plpgsql security definer set search_path = public, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
    v_progress size_progress;
    v_until timestamptz;
    v_row timestamptz;
begin
    if not pg_try_advisory_xact_lock(10, 0) then
        return false;
    end if;
    select * into v_progress from size_progress;
    v_until := least(p_until, date_trunc('day', v_progress.counted_until, 'UTC') + interval '24 hours');
    if v_progress.opened_until is not null or (v_until > v_progress.counted_until) is not true then
        return false;
    end if;

    select history.executed_at
      into v_row
      from history
     where history.executed_at >= v_progress.counted_until and history.executed_at < v_until
     order by history.executed_at
    offset p_rows
     limit 1;
    if found then
        -- all rows of one instant are counted together
        v_until := greatest(v_row, v_progress.counted_until + interval '1 microsecond');
    end if;
    perform shift_segment_days_by_operations(v_progress.counted_until, v_until, true);
    update size_progress set counted_until = v_until;
    return v_until < p_until;
end
$$;

revoke all on function count_sizes(timestamptz, integer) from public;
grant execute on function count_sizes(timestamptz, integer) to segmentation_app;
