-- Wait for the users who are arriving, and return the next arrival's number: all lower numbers are settled.
-- Other users can arrive meanwhile. The number is read before the list of arrivals. Each arrival locks before it takes
-- its number, so an arrival with a lower number is in the list, or has ended.
-- If an arrival stays open, the wait fails after the time that hold_arrivals waits.
create or replace function settle_arrivals() returns bigint
language plpgsql
as $$
declare
    v_next constant bigint := next_ordinal();
    v_arriving constant text[] := array(select arriving_transactions());
    v_until constant timestamptz := clock_timestamp() + interval '700 milliseconds';
begin
    while v_arriving && array(select arriving_transactions()) loop
        if clock_timestamp() > v_until then
            raise lock_not_available using message = 'a user is still arriving';
        end if;
        perform pg_sleep(0.001);
    end loop;
    return v_next;
end
$$;
