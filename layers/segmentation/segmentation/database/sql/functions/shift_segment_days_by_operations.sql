-- Add the operations of a range, which must be within one day, to the sizes by day.
create or replace function shift_segment_days_by_operations(
    p_from timestamptz, p_until timestamptz, p_is_later boolean) returns void
language plpgsql set plan_cache_mode = force_custom_plan
as $$
declare
    v_segment_ids integer[];
    v_added bigint[];
    v_removed bigint[];
begin
    select coalesce(array_agg(changed.segment_id), '{}'), array_agg(changed.added), array_agg(changed.removed)
      into v_segment_ids, v_added, v_removed
      from changes_of_sizes(p_from, p_until) changed;
    perform shift_segment_days(
        v_segment_ids, array_fill((p_from at time zone 'UTC')::date, array[cardinality(v_segment_ids)]),
        v_added, v_removed, p_is_later);
end
$$;

revoke all on function shift_segment_days_by_operations(timestamptz, timestamptz, boolean) from public;
