-- Return the scheduled step that this transaction applies, or null.
create or replace function current_step() returns bigint
language sql stable
as $$
    select nullif(current_setting('segmentation.step_id', true), '')::bigint
$$;
