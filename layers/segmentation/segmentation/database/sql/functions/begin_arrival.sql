-- Wait for a percent that is being replaced, before the arriving users get their numbers.
-- Arrivals share this lock until they commit, so they do not wait for each other. hold_arrivals takes it exclusively.
create or replace function begin_arrival() returns trigger
language plpgsql
as $$
declare
    v_lock text;
begin
    v_lock := pg_advisory_xact_lock_shared(2, 0);  -- assigned because PERFORM would run a query
    return null;
end
$$;
