-- Return the last operations of a user and a segment at or before an instant, newest first: ten, and those that say how
-- the user stands, the last entry, exit or new lifetime, and the last entry.
-- The loop reads the user's history backwards and stops when it has them.
create or replace function operations_before(p_user_id bigint, p_segment_id integer, p_at timestamptz)
    returns table (slug text, action_id integer, reason reason, actor text, cause_id bigint, expires_at timestamptz,
                   executed_at timestamptz, history_id bigint, place bigint)
language plpgsql stable
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_sort = off
    set jit = off
as $$
#variable_conflict use_column
declare
    v_rows integer := 0;
    v_has_state boolean := false;
    v_has_entry boolean := false;
begin
    for slug, action_id, reason, actor, cause_id, expires_at, executed_at, history_id, place in
        select operations.slug, operations.action_id, operations.reason, operations.actor, operations.cause_id,
               operations.expires_at, operations.executed_at, operations.history_id, operations.place
          from operations
         where operations.user_id = p_user_id and operations.segment_id = p_segment_id
           and operations.executed_at <= p_at
         order by operations.executed_at desc, operations.place desc
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
