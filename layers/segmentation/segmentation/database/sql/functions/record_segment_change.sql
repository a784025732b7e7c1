-- Write the change log of a segment. A change that changes nothing writes no row.
-- "before" and "after" have the members that changed. A creation has no "before", and a deletion no "after".
-- If an operator undoes a deletion with SQL, the log has one more creation.
-- A scheduled step names itself in the row of its change.
-- The id of the row is kept for count_segment_change, which later adds the numbers of users.
create or replace function record_segment_change() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_before jsonb;
    v_after jsonb := segment_as_json(new);
    v_change text := 'created';
    v_changed_at timestamptz := new.created_at;
    v_change_id bigint;
begin
    if tg_op = 'INSERT' then
        v_after := jsonb_strip_nulls(v_after);
    elsif old.deleted_at is not null and new.deleted_at is null then
        v_after := jsonb_strip_nulls(v_after);
        v_changed_at := next_moment();
    elsif old.deleted_at is null and new.deleted_at is not null then
        v_change := 'deleted';
        v_before := jsonb_strip_nulls(segment_as_json(old));
        v_after := null;
        v_changed_at := greatest(new.deleted_at, new.updated_at);
    else
        v_change := 'changed';
        select jsonb_object_agg(was.key, was.value), jsonb_object_agg(was.key, v_after -> was.key)
          into v_before, v_after
          from jsonb_each(segment_as_json(old)) was
         where was.value <> v_after -> was.key;
        v_changed_at := new.updated_at;
        if v_before is null then
            return null;
        end if;
    end if;

    insert into segment_changes (segment_id, changed_at, change, actor, cause_id, before, after, step_id)
    values (new.segment_id, v_changed_at, v_change, coalesce(case when v_change = 'deleted' then new.deleted_by end,
            history_actor()), history_cause(), v_before, v_after, current_step())
 returning change_id into v_change_id;
    perform set_config('segmentation.change_id', v_change_id::text, true);
    return null;
end
$$;

revoke all on function record_segment_change() from public;
