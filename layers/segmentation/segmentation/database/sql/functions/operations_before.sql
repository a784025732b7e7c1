-- Return the last operations of a user and a segment at or before an instant, newest first: ten or more, if there are.
-- The last entry, exit or new lifetime is among them, and so is the last entry.
-- The loop reads the user's history backwards and stops when it has them. An exit that is not recorded yet is read from
-- the view. It exists only if the membership is due or its segment deleted.
-- The caller has the settings for the plans. To set them here as well would take longer than the plans take.
create or replace function operations_before(p_user_id bigint, p_segment_id integer, p_at timestamptz)
    returns table (slug text, action_id integer, reason reason, actor text, cause_id bigint, percent numeric,
                   expires_at timestamptz, executed_at timestamptz, history_id bigint)
language plpgsql stable
as $$
#variable_conflict use_column
declare
    v_rows integer := 0;
    v_has_state boolean := false;
    v_has_entry boolean := false;
begin
    perform from memberships
       join segments on segments.segment_id = memberships.segment_id
      where memberships.user_id = p_user_id and memberships.segment_id = p_segment_id
        and (memberships.expires_at <= p_at or segments.deleted_at <= p_at);
    if found then
        v_has_state := true;
        return query
        select operations.slug, operations.action_id, operations.reason, operations.actor, operations.cause_id,
               null::numeric, operations.expires_at, operations.executed_at, operations.history_id
          from operations
         where operations.user_id = p_user_id and operations.segment_id = p_segment_id
           and operations.executed_at <= p_at and operations.history_id = 9223372034707292160 + p_segment_id;
    end if;
    for slug, action_id, reason, actor, cause_id, percent, expires_at, executed_at, history_id in
        select history.slug, history.action_id, history.reason, history.actor, history.cause_id, history.percent,
               history.expires_at, history.executed_at, history.history_id
          from history
         where history.user_id = p_user_id and history.segment_id = p_segment_id and history.executed_at <= p_at
         order by history.executed_at desc, history.history_id desc
    loop
        v_rows := v_rows + 1;
        if v_rows <= 10 or (action_id <= 3 and not v_has_state) or (action_id = 1 and not v_has_entry) then
            return next;
        end if;
        v_has_state := v_has_state or action_id <= 3;
        v_has_entry := v_has_entry or action_id = 1;
        exit when v_rows >= 10 and v_has_entry;
    end loop;
end
$$;
