-- Fires once per statement, so a bulk insert pays once. Users inserted by hand are numbered and enrolled as well.
create or replace trigger users_admit after insert on users
    referencing new table as arrived for each statement execute function admit_users();

-- Move a database of the previous release to the new rule, at the moment that replaces the old one. The trigger above
-- has locked "users", so no user is arriving. The old rule has counted in "population" and in "taken".
do $$
declare
    v_next bigint;
begin
    if to_regproc('enrol_arrivals') is null then
        return;
    end if;
    select greatest(population.arrivals, nextval('population_ordinals')) into v_next from population;
    perform setval('population_ordinals', v_next, false);
    update rollouts
       set base_users = rollouts.base_users + population.arrivals - rollouts.base_arrivals, base_arrivals = v_next
      from population;
    update population set arrivals = v_next;
    drop function enrol_arrivals, takes_arrival;
end
$$;
