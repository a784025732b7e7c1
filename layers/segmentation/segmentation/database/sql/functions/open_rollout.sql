-- Make the percent decide about new users from now on. No user can arrive until the transaction ends (hold_arrivals).
-- The new seed makes the draws independent of those before. The result is 0: the previous release expects a number.
create or replace function open_rollout(
    p_segment_id integer, p_percent numeric, p_users bigint, p_arrivals bigint, p_taken bigint, p_job_id uuid)
    returns integer
language plpgsql
as $$
begin
    update rollouts
       set last_percent = p_percent, base_users = p_users, base_arrivals = p_arrivals, job_id = p_job_id,
           -- The share can be missed: candidates may run out, and users added by hand stay in. That difference
           -- does not change the chance of users who arrive later.
           taken = least(greatest(p_taken, floor(p_users * p_percent / 100)), ceil(p_users * p_percent / 100)),
           until_base = null, seed = default
     where rollouts.segment_id = p_segment_id;
    return 0;
end
$$;
