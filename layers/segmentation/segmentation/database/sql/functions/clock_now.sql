-- Return the time by which the service compares, which never goes back: see next_moment.
-- It is the start of the transaction, or the latest instant that was given out if the clock of the server is behind it.
-- Call it in a scalar subquery: Postgres then inlines it, and evaluates it at most once per statement.
create or replace function clock_now() returns timestamptz
language sql volatile
as $$
    select greatest(
        now(),
        case when timestamptz 'epoch' + pg_sequence_last_value('latest_moment'::regclass) * interval '1 microsecond'
                  > clock_timestamp()
             then timestamptz 'epoch' + pg_sequence_last_value('latest_moment'::regclass) * interval '1 microsecond'
        end)
$$;
