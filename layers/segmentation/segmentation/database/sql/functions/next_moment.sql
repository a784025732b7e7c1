-- Return an instant of the clock that is later than every instant the function has returned before.
-- The clock of the server can step back (NTP, fail-over, migration of the machine). Time then stands still: each call
-- returns a microsecond more than the call before, until the clock has passed that instant.
-- The instant is not before p_not_before either.
-- The sequence latest_moment is read and raised under an advisory lock. One expression takes and releases the lock, so
-- that no cancellation can come between, and no session waits until a transaction ends. A rollback keeps the sequence.
-- The first read locks the sequence against a change of its definition. Later reads then cannot wait.
create or replace function next_moment(p_not_before timestamptz default null) returns timestamptz
language plpgsql
as $$
declare
    v_latest bigint := pg_sequence_last_value('latest_moment'::regclass);
    v_tries integer := 0;
begin
    loop
        v_latest :=
            case when pg_try_advisory_lock(7, 0)
                 then setval('latest_moment',
                             greatest((extract(epoch from greatest(clock_timestamp(), p_not_before)) * 1000000)::bigint,
                                      pg_sequence_last_value('latest_moment'::regclass) + 1))
                      + case when pg_advisory_unlock(7, 0) then 0 end
            end;
        exit when v_latest is not null;
        v_tries := v_tries + 1;
        if v_tries % 100 = 0 then
            perform pg_sleep(0.001);  -- the holder of the lock has no processor
        end if;
    end loop;
    return timestamptz 'epoch' + v_latest * interval '1 microsecond';
end
$$;
