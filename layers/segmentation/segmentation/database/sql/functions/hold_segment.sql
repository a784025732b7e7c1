-- Lock a segment row exclusively until the transaction ends.
-- Postgres lets new FOR SHARE lockers overtake a waiting exclusive locker, so overlapping writers can starve it.
-- Writers therefore share one advisory lock, (0, 0), until they commit. If the row is in use, this function takes that
-- lock exclusively for a moment. The writers that hold it finish, and no new one begins.
-- One advisory lock serves all segments. Locks of single segments would need a search by each writer in every call.
-- docs/decisions/0019 has the alternatives.
-- Call this function before the transaction locks anything else. Read the segment with another statement, because the
-- snapshot of this one can be older than the lock.
create or replace function hold_segment(p_segment_id integer) returns void
language plpgsql
as $$
declare
    v_lock_timeout constant text := current_setting('lock_timeout');
    v_limit text;
begin
    -- Exclusive lockers of one segment queue here, and writers still pass. All waits together stay below 3 seconds.
    v_limit := set_config('lock_timeout', '750ms', true);
    perform pg_advisory_xact_lock(1, p_segment_id);
    v_limit := set_config('lock_timeout', v_lock_timeout, true);
    perform from segments where segments.segment_id = p_segment_id for no key update skip locked;
    if found then
        return;
    end if;

    -- Hold the writers' lock only for short waits, because every writer waits meanwhile. A writer that holds it may
    -- itself wait for a segment that is being emptied.
    v_limit := set_config('lock_timeout', '250ms', true);
    for v_try in 1 .. 4 loop
        begin
            perform pg_advisory_lock(0, 0);
            perform from segments where segments.segment_id = p_segment_id for no key update;
            perform pg_advisory_unlock(0, 0);
            exit;
        exception when query_canceled or others then
            -- Look in pg_locks: Postgres may have granted the lock although the wait timed out.
            if exists (select from pg_locks
                        where pg_locks.pid = pg_backend_pid() and pg_locks.granted
                          and pg_locks.locktype = 'advisory' and pg_locks.mode = 'ExclusiveLock'
                          and pg_locks.classid = 0 and pg_locks.objid = 0 and pg_locks.objsubid = 2) then
                perform pg_advisory_unlock(0, 0);
            end if;
            if sqlstate <> '55P03' or v_try = 4 then  -- lock_not_available
                raise;
            end if;
        end;
        perform pg_sleep(0.25);
    end loop;
    v_limit := set_config('lock_timeout', v_lock_timeout, true);
end
$$;
