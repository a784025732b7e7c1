-- Return how many memberships of each segment began and ended from one instant until before another.
-- An exit counts at its time, also if it is not recorded yet: the membership expired, or a job is still emptying its
-- deleted segment. When it is recorded later, it gets the same time. One snapshot sees each exit once.
create or replace function changes_of_sizes(p_from timestamptz, p_until timestamptz)
    returns table (segment_id integer, added bigint, removed bigint)
language sql stable
as $$
    select changed.segment_id,
           count(*) filter (where changed.action_id = 1),
           count(*) filter (where changed.action_id = 2)
      from (select history.segment_id, history.action_id
              from history
             where history.executed_at >= p_from and history.executed_at < p_until and history.action_id in (1, 2)
             union all
            select memberships.segment_id, 2
              from memberships
              join segments on segments.segment_id = memberships.segment_id
             where memberships.expires_at >= p_from and memberships.expires_at < p_until
               and (segments.deleted_at < memberships.expires_at) is not true
             union all
            select memberships.segment_id, 2
              from segments
              join memberships on memberships.segment_id = segments.segment_id
             where segments.is_emptying and segments.deleted_at >= p_from and segments.deleted_at < p_until
               and (memberships.expires_at <= segments.deleted_at) is not true) changed
     where changed.segment_id is not null
     group by changed.segment_id
$$;

revoke all on function changes_of_sizes(timestamptz, timestamptz) from public;
