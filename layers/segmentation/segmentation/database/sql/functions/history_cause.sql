-- Return the comment that the rows of this transaction carry, as the id of its row in "causes", or null.
-- Postgres inlines the function, so a transaction without a comment reads two settings and calls nothing.
create or replace function history_cause() returns bigint
language sql
as $$
    select case when coalesce(current_setting('segmentation.cause_id', true), '') <> ''
                then current_setting('segmentation.cause_id', true)::bigint
                when coalesce(current_setting('segmentation.comment', true), '') <> ''
                then record_cause() end
$$;
