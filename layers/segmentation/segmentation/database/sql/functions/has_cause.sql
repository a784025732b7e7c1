-- Return whether the rows of this transaction carry a comment. Postgres inlines the function.
-- Triggers ask once per statement, and call history_cause per row: a statement without rows stores no comment.
create or replace function has_cause() returns boolean
language sql stable
as $$
    select coalesce(current_setting('segmentation.cause_id', true), '') <> ''
        or coalesce(current_setting('segmentation.comment', true), '') <> ''
$$;
