-- Let no user be deleted until the transaction ends. Setting a percent counts the users, so their number must stay.
create or replace function hold_user_deletions() returns void
language sql
as $$
    select pg_advisory_xact_lock_shared(2, 1)
$$;
