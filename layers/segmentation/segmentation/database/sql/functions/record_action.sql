-- Write an operation of a custom action into the history of a user.
-- Return what is known. If the user, the segment or the action is unknown, write nothing.
-- Locks are taken in the order of change_user_segments: the writers' advisory lock, the segment, the user.
-- A deletion of the segment reads its time after that lock. An action that comes before it is therefore dated
-- before it.
create or replace function record_action(p_user_id bigint, p_slug text, p_action text, p_actor text,
    out user_known boolean, out segment_known boolean, out action_operation text, out executed_at timestamptz)
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_segment_id integer;
    v_action_id integer;
    v_count bigint;
begin
    perform pg_advisory_xact_lock_shared(0, 0);
    -- Segment, user and action are locked: none of them may be deleted before the row is in the history.
    select segments.segment_id into v_segment_id
      from segments
     where segments.slug = p_slug and segments.deleted_at is null
       for share;
    segment_known := found;
    perform from users where users.user_id = p_user_id for key share;
    user_known := found;
    select actions.action_id, actions.operation into v_action_id, action_operation
      from actions
     where actions.name = p_action
       for key share;
    if user_known and segment_known and action_operation = 'A' then
        executed_at := next_moment();
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        values (p_user_id, v_segment_id, p_slug, v_action_id, 'manual', p_actor, executed_at);
        v_count := count_operations('operations_custom', 1);
    end if;
end
$$;

revoke all on function record_action(bigint, text, text, text) from public;
grant execute on function record_action(bigint, text, text, text) to segmentation_app;
