-- Decide about new users in the order of their arrival, and return how many memberships that made.
-- The decision is for one rollout (p_segment_id) or for all live ones. Segments in p_by_hand are counted but not
-- entered, because the request itself decides about them. A percent of 0 enrols no user, so it is not read.
-- The caller must hold the row of "population": then no other user arrives meanwhile, and no percent changes.
create or replace function enrol_arrivals(
    p_users bigint[], p_first_ordinal bigint, p_segment_id integer, p_by_hand integer[])
    returns integer
language plpgsql
as $$
declare
    v_rollout record;
    v_user_id bigint;
    v_seen bigint;
    v_taken bigint;
    v_users bigint[] := '{}';
    v_segments integer[] := '{}';
    v_enrolled integer;
begin
    for v_rollout in
        select rollouts.*, (segments.user_percent * 100)::integer as basis_points
          from rollouts
          join segments on segments.segment_id = rollouts.segment_id
         where segments.user_percent > 0 and segments.deleted_at is null
           and (p_segment_id is null or rollouts.segment_id = p_segment_id)
         order by rollouts.segment_id
    loop
        v_seen := v_rollout.base_users + p_first_ordinal - v_rollout.base_arrivals;
        v_taken := v_rollout.taken;
        foreach v_user_id in array p_users loop
            if takes_arrival(v_seen, v_taken, v_rollout.basis_points, hashint8extended(v_user_id, v_rollout.salt)) then
                v_taken := v_taken + 1;
                if not v_rollout.segment_id = any (p_by_hand) then
                    v_users := v_users || v_user_id;
                    v_segments := v_segments || v_rollout.segment_id;
                end if;
            end if;
            v_seen := v_seen + 1;
        end loop;
        if v_taken <> v_rollout.taken then
            update rollouts set taken = v_taken where rollouts.segment_id = v_rollout.segment_id;
        end if;
    end loop;

    if v_users = '{}' then
        return 0;
    end if;
    insert into memberships (user_id, segment_id, added_at, source)
    select enrolled.user_id, enrolled.segment_id, clock_timestamp(), 'percent'
      from unnest(v_users, v_segments) enrolled (user_id, segment_id)
     order by enrolled.user_id, enrolled.segment_id
        on conflict do nothing;
    get diagnostics v_enrolled = row_count;
    return v_enrolled;
end
$$;
