-- Return whether a membership with this end is active.
-- Postgres inlines the function, so the most frequent read needs no call, no subquery and no other relation.
-- The usual case is decided here: no end, or an end after now() and after every instant that was given out.
create or replace function is_active(p_expires_at timestamptz) returns boolean
language sql volatile
as $$
    select p_expires_at is null
        or p_expires_at > now()
           and p_expires_at > timestamptz 'epoch'
                              + coalesce(pg_sequence_last_value('latest_moment'::regclass), 0) * interval '1 microsecond'
        or is_still_active(p_expires_at)
$$;
