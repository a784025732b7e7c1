-- Wait for the percents that are being set, and block others until the transaction ends. A deletion of users calls this
-- before it locks them, and after it has locked their segments: a session that is setting a percent has locked its
-- segment, and then waits here. See hold_user_deletions.
create or replace function hold_percents() returns void
language sql
as $$
    select pg_advisory_xact_lock(2, 1)
$$;
