-- Return the first change of each user's membership in a segment since an instant, in order of user id.
-- Only users after p_after count. If p_until is null, the function reads all changes since the instant. Otherwise it
-- reads the history of the users up to p_until, in order of user id (last_user_of_batch chooses).
-- The history of one user and segment has the same order by history_id as by time.
create or replace function first_changes(p_segment_id integer, p_at timestamptz, p_after bigint, p_until bigint)
    returns table (user_id bigint, action_id integer, expires_at timestamptz)
language plpgsql stable rows 1000
    set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
    if p_until is null then
        return query
        with changes as materialized (
            select history.user_id, history.history_id, history.action_id, history.expires_at
              from history
             where history.executed_at > p_at and history.segment_id = p_segment_id and history.action_id <= 3
               and history.user_id > p_after)
        select distinct on (changes.user_id) changes.user_id, changes.action_id, changes.expires_at
          from changes
         order by changes.user_id, changes.history_id;
    else
        return query
        select distinct on (history.user_id) history.user_id, history.action_id, history.expires_at
          from history
         where history.user_id > p_after and history.user_id <= p_until and history.executed_at > p_at
           and history.segment_id = p_segment_id and history.action_id <= 3
         order by history.user_id, history.executed_at, history.history_id;
    end if;
end
$$;
