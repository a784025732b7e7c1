-- Return how many seconds this server may be behind its primary. Null: it is no standby, or it cannot tell.
-- The last transaction that was replayed dates the state of the server. It says nothing while the primary is idle. So
-- a server that replayed all it received is up to date, as long as it is connected to its primary.
-- A connection that broke without a sign counts until wal_receiver_timeout has passed.
-- Aurora has no such stream. A proxy may send each statement to another of its readers, so the slowest of them counts.
create or replace function replay_lag() returns double precision
language plpgsql
as $$
declare
    v_seconds double precision;
begin
    if not pg_is_in_recovery() then
        return null;
    end if;
    if to_regprocedure('aurora_replica_status()') is not null then
        execute $aurora$
            select max(status.replica_lag_in_msec) / 1000.0
              from aurora_replica_status() status
             where status.session_id <> 'MASTER_SESSION_ID'
            $aurora$ into v_seconds;
        return v_seconds;
    end if;
    if pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver) then
        return 0;
    end if;
    return greatest(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()), 0);
end
$$;
