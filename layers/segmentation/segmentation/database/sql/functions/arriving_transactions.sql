-- Return the transactions of other sessions in which users are arriving. Each shares the lock of begin_arrival.
create or replace function arriving_transactions() returns setof text
language sql volatile
as $$
    select pg_locks.virtualtransaction
      from pg_locks
     where pg_locks.locktype = 'advisory' and pg_locks.classid = 2 and pg_locks.objid = 0 and pg_locks.objsubid = 2
       and pg_locks.database = (select pg_database.oid from pg_database where pg_database.datname = current_database())
       and pg_locks.mode = 'ShareLock' and pg_locks.granted
       -- a prepared transaction has no process
       and pg_locks.pid is distinct from pg_backend_pid()
$$;
