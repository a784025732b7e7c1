-- Return whether a rollout enrols the next user, when it has enrolled p_taken of p_users before.
-- The percent is in hundredths (p_basis_points). "taken" stays the floor or the ceiling of users * percent, whatever
-- the draw is, and every user has the same chance. docs/rollouts.md has the proof.
create or replace function takes_arrival(p_users bigint, p_taken bigint, p_basis_points integer, p_draw bigint)
    returns boolean
language sql immutable parallel safe
as $$
    select case
        when fraction + p_basis_points < 10000 then
            ahead < 0 or ahead = 0 and draw % (10000 - fraction) < p_basis_points
        else
            ahead < 1 or ahead = 1 and fraction > 0 and draw % fraction < fraction + p_basis_points - 10000
        end
      from (select (p_users * p_basis_points % 10000)::integer as fraction,
                   p_taken - p_users * p_basis_points / 10000 as ahead,
                   p_draw & 9223372036854775807 as draw) state
$$;
