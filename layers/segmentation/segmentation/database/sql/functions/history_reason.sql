-- Return the reason for the history: the one that the application set for this transaction, "manual" without one.
create or replace function history_reason() returns reason
language sql stable
as $$
    select coalesce(nullif(current_setting('segmentation.reason', true), ''), 'manual')::reason
$$;
