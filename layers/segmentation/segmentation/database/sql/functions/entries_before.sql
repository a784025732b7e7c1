-- Return the last entry of a user into each of these segments at or before an instant. Return also the changes of its
-- lifetime between the entry and the instant. The rows of a segment come newest first.
-- The loop reads the user's history backwards and stops at the last missing entry, so it reads no older row. An entry
-- from a month that was dropped has no row.
-- The caller has the settings for the plans. To set them here as well would take longer than the plans take.
create or replace function entries_before(p_user_id bigint, p_at timestamptz, p_segments integer[])
    returns table (segment_id integer, action_id integer, expires_at timestamptz, executed_at timestamptz)
language plpgsql stable
as $$
#variable_conflict use_column
declare
    v_missing integer[] := p_segments;
begin
    if v_missing = '{}' then
        return;
    end if;
    for segment_id, action_id, expires_at, executed_at in
        select history.segment_id, history.action_id, history.expires_at, history.executed_at
          from history
         where history.user_id = p_user_id and history.executed_at <= p_at and history.action_id in (1, 3)
         order by history.executed_at desc, history.history_id desc
    loop
        continue when not segment_id = any (v_missing);
        return next;
        if action_id = 1 then
            v_missing := array_remove(v_missing, segment_id);
            exit when v_missing = '{}';
        end if;
    end loop;
end
$$;
