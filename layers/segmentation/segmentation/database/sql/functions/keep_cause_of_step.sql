-- Store the comment of the request that plans a step with the step, whose changes carry it.
create or replace function keep_cause_of_step() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    new.cause_id := history_cause();
    return new;
end
$$;

revoke all on function keep_cause_of_step() from public;
