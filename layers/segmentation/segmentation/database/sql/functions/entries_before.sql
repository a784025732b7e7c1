-- Return the last entry of a user into each of these segments at or before an instant. Return also the changes of its
-- lifetime between the entry and the instant. The rows of a segment come newest first.
-- The history is read backwards, first that of a month and then the rest. The loop stops at the last missing entry, so
-- it reads no older row. An entry from a month that was dropped has no row.
-- The caller has the settings for the plans. To set them here as well would take longer than the plans take.
create or replace function entries_before(p_user_id bigint, p_at timestamptz, p_segments integer[])
    returns table (segment_id integer, action_id integer, expires_at timestamptz, executed_at timestamptz)
language plpgsql stable
as $$
#variable_conflict use_column
declare
    v_missing integer[] := p_segments;
    v_after timestamptz := p_at - interval '31 days';
    v_until timestamptz := p_at;
begin
    while v_missing <> '{}' loop
        for segment_id, action_id, expires_at, executed_at in
            select history.segment_id, history.action_id, history.expires_at, history.executed_at
              from history
             where history.user_id = p_user_id and history.action_id in (1, 3)
               and history.executed_at > v_after and history.executed_at <= v_until
             order by history.executed_at desc, history.history_id desc
        loop
            continue when not segment_id = any (v_missing);
            return next;
            if action_id = 1 then
                v_missing := array_remove(v_missing, segment_id);
                exit when v_missing = '{}';
            end if;
        end loop;
        exit when v_after = '-infinity';
        v_until := v_after;
        v_after := '-infinity';
    end loop;
end
$$;
