-- Return the instant at which a lifetime ends that begins at p_moment. It is null where the lifetime has no end.
-- The end is p_ttl seconds later, or the instant p_expires_at, which must lie after p_moment.
create or replace function end_of_lifetime(p_moment timestamptz, p_ttl integer, p_expires_at timestamptz)
    returns timestamptz
language plpgsql
as $$
begin
    if p_expires_at <= p_moment then
        raise check_violation using constraint = 'memberships_expire_after_entry';
    end if;
    return coalesce(p_moment + make_interval(secs => p_ttl), p_expires_at);
end
$$;
