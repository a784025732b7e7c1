-- Wait for the users who are arriving, and block others until the transaction ends. Return the next arrival's number.
-- Each try is short, because new users wait behind it. A transaction that stays open therefore delays them only briefly.
create or replace function hold_arrivals() returns bigint
language plpgsql
as $$
declare
    v_lock_timeout constant text := current_setting('lock_timeout');
    v_limit text := set_config('lock_timeout', '100ms', true);
begin
    for v_try in 1 .. 4 loop
        begin
            perform pg_advisory_xact_lock(2, 0);
            exit;
        exception when lock_not_available then
            if v_try = 4 then
                raise;
            end if;
        end;
        perform pg_sleep(0.1);
    end loop;
    v_limit := set_config('lock_timeout', v_lock_timeout, true);
    return next_ordinal();
end
$$;
