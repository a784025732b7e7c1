-- Return how many memberships of a live segment began and ended since an instant, by day.
-- Plans are made once per session, and look rows up by an index. "infinity" makes Postgres expect a short range.
-- "offset 0" makes it search the due memberships by their time. By their segment, it would read all members.
create or replace function changes_of_size_since(p_segment_id integer, p_since timestamptz)
    returns table (day date, added bigint, removed bigint)
language plpgsql rows 1
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set jit = off
as $$
begin
    return query
    select (changed.executed_at at time zone 'UTC')::date,
           count(*) filter (where changed.action_id = 1),
           count(*) filter (where changed.action_id = 2)
      from (select history.executed_at, history.action_id
              from history
             where history.executed_at >= p_since and history.executed_at < 'infinity'
               and history.segment_id = p_segment_id and history.action_id in (1, 2)
             union all
            select due.expires_at, 2
              from (select memberships.segment_id, memberships.expires_at
                      from memberships
                     where memberships.expires_at >= p_since and memberships.expires_at <= (select clock_now())
                       and not is_active(memberships.expires_at)
                    offset 0) due
             where due.segment_id = p_segment_id) changed
     group by 1;
end
$$;
