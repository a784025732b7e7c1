-- Make sure that a membership stays ended that a read is about to call ended, and return true.
-- Otherwise the membership would be active again if the clock of the server stepped back before the sweep.
-- This writes only if no instant has been given out since the end of the membership. A replica and a read-only
-- transaction cannot write.
create or replace function keep_ended(p_expires_at timestamptz) returns boolean
language plpgsql
as $$
declare
    v_latest constant bigint := pg_sequence_last_value('latest_moment'::regclass);
    v_moment timestamptz;
begin
    if (v_latest is null or p_expires_at > timestamptz 'epoch' + v_latest * interval '1 microsecond')
       and current_setting('transaction_read_only') = 'off' then
        v_moment := next_moment(p_expires_at);
    end if;
    return true;
end
$$;
