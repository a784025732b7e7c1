-- Return the length of a stratum's beginning that belongs to the arrival across it, or that lies before the base.
create or replace function stratum_head(p_share integer, p_phase integer, p_stratum bigint) returns integer
language sql immutable parallel safe
as $$
    select case when p_stratum = 0 then p_phase
                else ((p_share - (10000 * p_stratum - p_phase) % p_share) % p_share)::integer end
$$;
