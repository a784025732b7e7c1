-- Return how many memberships of a live segment began and ended since an instant, by day.
-- An upper bound makes Postgres expect a short range, and leaves out the months that are kept ahead. "offset 0" makes it
-- search the due memberships by their time. By their segment it would read all members.
-- The caller has the settings for its plans, and the snapshot: the function is stable.
create or replace function changes_of_size_since(p_segment_id integer, p_since timestamptz)
    returns table (day date, added bigint, removed bigint)
language plpgsql stable rows 1
as $$
declare
    v_now constant timestamptz := clock_now();
    v_until constant timestamptz := v_now + interval '1 day';
begin
    return query
    select (changed.executed_at at time zone 'UTC')::date,
           count(*) filter (where changed.action_id = 1),
           count(*) filter (where changed.action_id = 2)
      from (select history.executed_at, history.action_id
              from history
             where history.executed_at >= p_since and history.executed_at < v_until
               and history.segment_id = p_segment_id and history.action_id in (1, 2)
             union all
            select due.expires_at, 2
              from (select memberships.segment_id, memberships.expires_at
                      from memberships
                     where memberships.expires_at >= p_since and memberships.expires_at <= v_now
                       and not is_active(memberships.expires_at)
                    offset 0) due
             where due.segment_id = p_segment_id) changed
     group by 1;
end
$$;
