-- Make the percent decide about new users from now on, and about those who arrived since the users were counted.
-- Return how many of the latter it enrolled. No user can arrive until the transaction ends.
-- The users who arrived since are read only if there are any. "offset 0" finds the membership of each by its key. A
-- plan made before the tables were analysed could read all members for every user, while arrivals wait.
create or replace function open_rollout(
    p_segment_id integer, p_percent numeric, p_users bigint, p_arrivals bigint, p_taken bigint, p_job_id uuid)
    returns integer
language plpgsql
as $$
declare
    v_share constant numeric := p_users * p_percent / 100;
    v_arrivals bigint;
    v_enrolled bigint[] := '{}';
    v_others bigint[] := '{}';
begin
    select population.arrivals into v_arrivals from population for update;
    if v_arrivals > p_arrivals then
        -- The previous percent has enrolled some of them meanwhile. They stay in, and count as the first to arrive.
        select coalesce(array_agg(users.user_id) filter (where member.source = 'percent'), '{}'),
               coalesce(array_agg(users.user_id order by users.ordinal)
                        filter (where member.source is distinct from 'percent'), '{}')
          into v_enrolled, v_others
          from users
          left join lateral (
               select memberships.source
                 from memberships
                where memberships.user_id = users.user_id and memberships.segment_id = p_segment_id
               offset 0) member on true
         where users.ordinal >= p_arrivals;
    end if;
    update rollouts
       set last_percent = p_percent, base_users = p_users, base_arrivals = p_arrivals, job_id = p_job_id,
           -- The share can be missed: candidates may run out, and enrolled users stay in. That difference
           -- does not change the chance of users who arrive later.
           taken = least(greatest(p_taken, floor(v_share)), ceil(v_share)) + cardinality(v_enrolled)
     where rollouts.segment_id = p_segment_id;
    return enrol_arrivals(v_others, p_arrivals + cardinality(v_enrolled), p_segment_id, '{}');
end
$$;
