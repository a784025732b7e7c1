-- Lifetimes that change, the history as it is read, and actions of the company's own.

-- Change the lifetime of an active membership; no row where there is none. Locks are taken in the order of
-- change_memberships, and the moment is read after the last one: what has expired meanwhile stays expired.
create function change_lifetime(
    p_user_id bigint, p_slug text, p_ttl integer, p_expires_at timestamptz, p_actor text)
    returns table (added_at timestamptz, expires_at timestamptz)
language plpgsql
as $$
declare
    v_segment_id integer;
    v_moment timestamptz;
begin
    select segments.segment_id into v_segment_id
      from segments
     where segments.slug = p_slug and segments.deleted_at is null
       for share;
    perform from users where users.user_id = p_user_id for no key update;
    perform from memberships
      where memberships.user_id = p_user_id and memberships.segment_id = v_segment_id
        for update;
    v_moment := clock_timestamp();

    perform set_config('segmentation.actor', p_actor, true);
    return query
    update memberships
       set expires_at = end_of_lifetime(v_moment, p_ttl, p_expires_at)
     where memberships.user_id = p_user_id and memberships.segment_id = v_segment_id
       and (memberships.expires_at is null or memberships.expires_at > v_moment)
 returning memberships.added_at, memberships.expires_at;
end
$$;

-- The history as it is read: what was written, and the exits that are due and not yet swept, at their due time.
-- Those sort behind all that was written at the same instant, so that a cursor stays good when they are swept.
create view operations as
select history.user_id, history.segment_id, history.slug, history.action_id, history.reason, history.actor,
       history.expires_at, history.executed_at, history.history_id
  from history
 union all
select memberships.user_id, memberships.segment_id, segments.slug, 2, 'ttl'::reason, 'schedule',
       memberships.expires_at, memberships.expires_at, 9223372036854775807
  from memberships
  join segments on segments.segment_id = memberships.segment_id
 where memberships.expires_at <= now();

-- answers whether an action is used without reading the entries and exits
create index history_by_custom_action on history (action_id) where action_id > 3;

create function refuse_kept_action() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    if old.operation <> 'A' then
        raise integrity_constraint_violation using constraint = 'actions_keep_built_in';
    end if;
    if exists (select from history where history.action_id = old.action_id and history.action_id > 3) then
        raise integrity_constraint_violation using constraint = 'actions_keep_used';
    end if;
    return old;
end
$$;

create trigger actions_keep before delete on actions for each row execute function refuse_kept_action();

-- Write an action of the company's own into a user's history. Says what is unknown and then writes nothing.
create function record_action(p_user_id bigint, p_slug text, p_action text, p_actor text,
    out user_known boolean, out segment_known boolean, out action_operation text, out executed_at timestamptz)
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_segment_id integer;
    v_action_id integer;
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
    end if;
end
$$;

-- what the schedule may do without the owner's other rights
create function keep_history_partitions_ahead() returns void
language sql security definer set search_path = public, pg_temp
as $$
    select create_history_partitions((now() at time zone 'UTC')::date, 13)
$$;

revoke all on function record_action(bigint, text, text, text), keep_history_partitions_ahead() from public;

grant select on operations to segmentation_app;
grant insert (name), delete on actions to segmentation_app;
grant execute on function record_action(bigint, text, text, text), keep_history_partitions_ahead() to segmentation_app;
