-- Wait for the users who are arriving, and return the next arrival's number: all lower numbers are settled.
-- New users wait only until this call ends: the rollback of the inner block releases the lock.
create or replace function settle_arrivals() returns bigint
language plpgsql
as $$
declare
    v_next bigint;
begin
    begin
        v_next := hold_arrivals();
        raise exception 'release the lock' using errcode = 'RLEAS';
    exception when sqlstate 'RLEAS' then
        return v_next;
    end;
end
$$;
