-- Write the history of updated memberships.
-- A new added_at is a new membership in the place of an expired one. It is an exit, at the end of the old lifetime, and
-- an entry. Any other update is a change of the lifetime.
-- change_lifetime passes the time at which it found the membership active. The trigger's own time is later. The old or
-- the new end may have passed by then.
-- The rows carry the comment of the request. The end of a lifetime has none.
-- The rows are counted after the INSERT, because one row can be two operations or one.
create or replace function record_changes() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_moment constant timestamptz :=
        nullif(current_setting('segmentation.lifetime_changed_at', true), '')::timestamptz;
    v_has_cause constant boolean := has_cause();
    v_replaced bigint;
    v_rows bigint;
begin
    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select before.user_id, before.segment_id, segments.slug, 2, 'ttl', 'schedule', before.expires_at, before.expires_at
      from old_rows before
      join new_rows after on after.user_id = before.user_id and after.segment_id = before.segment_id
      join segments on segments.segment_id = before.segment_id
     where after.added_at <> before.added_at;
    get diagnostics v_replaced = row_count;

    insert into history (
        user_id, segment_id, slug, action_id, reason, actor, percent, cause_id, expires_at, executed_at)
    select after.user_id, after.segment_id, segments.slug,
           case when after.added_at <> before.added_at then 1 else 3 end,
           case when after.added_at <> before.added_at then after.source else history_reason() end,
           history_actor(),
           case when after.added_at <> before.added_at and after.source = 'percent' then segments.user_percent end,
           case when v_has_cause then history_cause() end,
           after.expires_at,
           case when after.added_at <> before.added_at then after.added_at
                else coalesce(v_moment, (select next_moment())) end
      from old_rows before
      join new_rows after on after.user_id = before.user_id and after.segment_id = before.segment_id
      join segments on segments.segment_id = after.segment_id
     where after.added_at <> before.added_at or after.expires_at is distinct from before.expires_at;
    get diagnostics v_rows = row_count;

    v_rows := count_operations('operations_lifetime_changed', v_rows - v_replaced);
    v_rows := count_operations('operations_deleted', v_replaced);
    v_rows := count_operations('operations_added', v_replaced);
    return null;
end
$$;
