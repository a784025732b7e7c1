-- Return the memberships of a user at an instant, folded from the operations between another instant and this one.
-- The user had no membership at the beginning, and no operation is missing (complete_history_begins).
-- The last operation of a segment decides about it. An entry or a new lifetime means a member, an exit means none.
-- The caller has the settings for its plans: to set them takes longer than the plans do.
create or replace function memberships_folded(p_user_id bigint, p_from timestamptz, p_at timestamptz)
    returns table (segment_id integer, added_at timestamptz, expires_at timestamptz)
language plpgsql stable
as $$
#variable_conflict use_column
begin
    return query
    select last.segment_id, last.entered_at, decides.expires_at
      from (select history.segment_id, max(history.executed_at) as executed_at,
                   max(history.executed_at) filter (where history.action_id = 1) as entered_at
              from history
             where history.user_id = p_user_id and history.executed_at >= p_from and history.executed_at <= p_at
               and history.action_id <= 3
             group by history.segment_id) last
     cross join lateral (
           select history.action_id, history.expires_at
             from history
            where history.user_id = p_user_id and history.executed_at = last.executed_at
              and history.segment_id = last.segment_id and history.action_id <= 3
            order by history.history_id desc
            limit 1) decides
     where decides.action_id <> 2;
end
$$;
