-- Return the actor for the history: the one that the application set for this transaction.
-- A change that is made without the application is recorded under the name of its database role.
create or replace function history_actor() returns text
language sql stable
as $$
    select coalesce(nullif(current_setting('segmentation.actor', true), ''), session_user)
$$;
