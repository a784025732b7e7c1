-- Return whether no session is deleting a segment. Code that deletes a segment holds this lock from before it reads the
-- time of the deletion (expiry.keep_out).
-- The lock is released at once, because a sweep must not hold a deletion up.
-- It is a function because RDS Proxy pins a session whose client sends pg_try_advisory_lock_shared itself.
create or replace function is_sweepable(p_segment_id integer) returns boolean
language plpgsql
as $$
begin
    return pg_try_advisory_lock_shared(8, p_segment_id) and pg_advisory_unlock_shared(8, p_segment_id);
end
$$;
