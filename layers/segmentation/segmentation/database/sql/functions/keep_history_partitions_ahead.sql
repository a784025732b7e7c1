-- Create the partitions of the history for this month and the twelve after it.
-- The schedule may call this function. It has none of the owner's other rights.
create or replace function keep_history_partitions_ahead() returns void
language sql security definer set search_path = public, pg_temp
as $$
    select create_history_partitions((now() at time zone 'UTC')::date, 13)
$$;

revoke all on function keep_history_partitions_ahead() from public;
grant execute on function keep_history_partitions_ahead() to segmentation_app;
