-- Return the last operations of a user and a segment at or before an instant, newest first: ten or more, if there are.
-- The last entry, exit or new lifetime is among them, and so is the last entry.
-- The history is read backwards, first that of three months and then the rest, and no further than necessary. No row
-- is older than the segment (p_created_at). A month that is not read costs nothing, although it has its own index.
-- An exit that is not recorded yet (p_is_due) is read from the view.
-- The caller has the settings for the plans. To set them here as well would take longer than the plans take.
drop function if exists operations_before(bigint, integer, timestamptz);

create or replace function operations_before(
    p_user_id bigint, p_segment_id integer, p_at timestamptz, p_created_at timestamptz, p_is_due boolean)
    returns table (slug text, action_id integer, reason reason, actor text, cause_id bigint, percent numeric,
                   expires_at timestamptz, executed_at timestamptz, history_id bigint)
language plpgsql stable
as $$
#variable_conflict use_column
declare
    v_first constant timestamptz := date_trunc('month', p_created_at, 'UTC');
    v_from timestamptz := greatest(v_first, p_at - interval '92 days');
    v_until timestamptz := p_at;
    v_rows integer := 0;
    v_has_state boolean := coalesce(p_is_due, false);
    v_has_entry boolean := false;
begin
    if p_is_due then
        return query
        select operations.slug, operations.action_id, operations.reason, operations.actor, operations.cause_id,
               null::numeric, operations.expires_at, operations.executed_at, operations.history_id
          from operations
         where operations.user_id = p_user_id and operations.segment_id = p_segment_id
           and operations.executed_at <= p_at and operations.history_id = 9223372034707292160 + p_segment_id;
    end if;
    loop
        for slug, action_id, reason, actor, cause_id, percent, expires_at, executed_at, history_id in
            select history.slug, history.action_id, history.reason, history.actor, history.cause_id, history.percent,
                   history.expires_at, history.executed_at, history.history_id
              from history
             where history.user_id = p_user_id and history.segment_id = p_segment_id
               and history.executed_at >= v_from and history.executed_at <= v_until
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
        exit when v_from = v_first or v_rows >= 10 and v_has_entry;
        v_until := v_from - interval '1 microsecond';
        v_from := v_first;
    end loop;
end
$$;
