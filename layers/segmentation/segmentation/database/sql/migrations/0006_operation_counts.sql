-- How many operations were written since this step, by kind, for those who watch the service. Counted as they are written,
-- because counting them afterwards reads the whole history; by sequences, because no writer waits for another's row
-- there. So they are never less than the truth, and a little more: what a transaction counted before it was undone stays
-- counted, and a server that crashed goes on up to 32 further.

create sequence operations_added;
create sequence operations_deleted;
create sequence operations_lifetime_changed;
create sequence operations_custom;

-- Returns something so that it can be assigned: PL/pgSQL calls it directly then, and PERFORM runs a query for it.
create function count_operations(p_counter regclass, p_rows bigint) returns bigint
language plpgsql
as $$
declare
    v_count bigint;
begin
    for v_row in 1 .. p_rows loop
        v_count := nextval(p_counter);
    end loop;
    return v_count;
end
$$;

-- As before, and counted.
create or replace function record_entries() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_rows bigint;
begin
    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select entered.user_id, entered.segment_id, segments.slug, 1, entered.source, history_actor(),
           entered.expires_at, entered.added_at
      from entered
      join segments on segments.segment_id = entered.segment_id;
    get diagnostics v_rows = row_count;
    v_rows := count_operations('operations_added', v_rows);
    return null;
end
$$;

-- As before, and counted.
create or replace function record_exits() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_moment constant timestamptz := clock_timestamp();
    v_reason constant reason := history_reason();
    v_actor constant text := history_actor();
    v_rows bigint;
begin
    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select gone.user_id, gone.segment_id, segments.slug, 2,
           case when gone.expires_at <= coalesce(segments.deleted_at, v_moment) then 'ttl'
                when segments.deleted_at is not null then 'segment_deleted'
                else v_reason end,
           case when gone.expires_at <= coalesce(segments.deleted_at, v_moment) then 'schedule'
                when segments.deleted_at is not null then coalesce(segments.deleted_by, v_actor)
                else v_actor end,
           gone.expires_at,
           least(gone.expires_at, segments.deleted_at, v_moment)
      from gone
      join segments on segments.segment_id = gone.segment_id;
    get diagnostics v_rows = row_count;
    v_rows := count_operations('operations_deleted', v_rows);
    return null;
end
$$;

-- As before, and counted: a membership in the place of an expired one is an exit and an entry, all else a lifetime.
create or replace function record_changes() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
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

    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select after.user_id, after.segment_id, segments.slug,
           case when after.added_at <> before.added_at then 1 else 3 end,
           case when after.added_at <> before.added_at then after.source else history_reason() end, history_actor(), after.expires_at,
           case when after.added_at <> before.added_at then after.added_at else clock_timestamp() end
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

-- As before, and counted.
create or replace function record_action(p_user_id bigint, p_slug text, p_action text, p_actor text,
    out user_known boolean, out segment_known boolean, out action_operation text, out executed_at timestamptz)
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_segment_id integer;
    v_action_id integer;
    v_count bigint;
begin
    -- locked: neither the user nor the action may go before its row is in the history
    perform from users where users.user_id = p_user_id for key share;
    user_known := found;
    select segments.segment_id into v_segment_id
      from segments
     where segments.slug = p_slug and segments.deleted_at is null;
    segment_known := found;
    select actions.action_id, actions.operation into v_action_id, action_operation
      from actions
     where actions.name = p_action
       for key share;
    if user_known and segment_known and action_operation = 'A' then
        executed_at := clock_timestamp();
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        values (p_user_id, v_segment_id, p_slug, v_action_id, 'manual', p_actor, executed_at);
        v_count := count_operations('operations_custom', 1);
    end if;
end
$$;

revoke all on function count_operations(regclass, bigint) from public;

grant select on sequence operations_added, operations_deleted, operations_lifetime_changed, operations_custom
    to segmentation_app;
