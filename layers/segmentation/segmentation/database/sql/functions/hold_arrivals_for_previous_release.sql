-- Block arrivals when the previous release begins to set a percent: it inserts the rollout first, and then counts.
-- That release reads the next number from "population". A later release drops this function.
create or replace function hold_arrivals_for_previous_release() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    update population set arrivals = hold_arrivals();
    return null;
end
$$;

revoke all on function hold_arrivals_for_previous_release() from public;
