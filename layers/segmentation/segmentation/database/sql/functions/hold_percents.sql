-- Wait for the percents that are being set, and block others until the transaction ends. A deletion of users calls this
-- before it locks them. See hold_user_deletions.
create or replace function hold_percents() returns void
language sql
as $$
    select pg_advisory_xact_lock(2, 1)
$$;
