-- Operations are counted by the statement that writes them, instead of in a loop behind it: a "where" that is always
-- true and evaluated once for every row. docs/decisions/0014-speed-of-writes.md has what it spares.

-- As before.
create or replace function record_entries() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_actor constant text := history_actor();
begin
    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select entered.user_id, entered.segment_id, segment.slug, 1, entered.source, v_actor,
           entered.expires_at, entered.added_at
      from entered
     cross join lateral (
           select segments.slug from segments where segments.segment_id = entered.segment_id offset 0) segment
     where nextval('operations_added') > 0;
    return null;
end
$$;

-- As before.
create or replace function record_exits() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_moment constant timestamptz := clock_timestamp();
    v_reason constant reason := history_reason();
    v_actor constant text := history_actor();
begin
    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select gone.user_id, gone.segment_id, segment.slug, 2,
           case when gone.expires_at <= coalesce(segment.deleted_at, v_moment) then 'ttl'
                when segment.deleted_at is not null then 'segment_deleted'
                else v_reason end,
           case when gone.expires_at <= coalesce(segment.deleted_at, v_moment) then 'schedule'
                when segment.deleted_at is not null then coalesce(segment.deleted_by, v_actor)
                else v_actor end,
           gone.expires_at,
           least(gone.expires_at, segment.deleted_at, v_moment)
      from gone
     cross join lateral (
           select segments.slug, segments.deleted_at, segments.deleted_by
             from segments
            where segments.segment_id = gone.segment_id
           offset 0) segment
     where nextval('operations_deleted') > 0;
    return null;
end
$$;

-- Lock a segment alone until the transaction ends, however many writers share it. Postgres lets who shares a row pass who
-- waits to have it alone, for ever where writers overlap; so where it is in use, whoever wants it shuts a gate for a
-- moment, through which every writer goes: those who are in come out, and nobody follows. One gate for all segments,
-- because a writer that had to find out which of many are its own would pay for that every time.
-- Call it before the transaction locks anything else, and read the segment by another statement: this one's may be old.
create function hold_segment(p_segment_id integer) returns void
language plpgsql
as $$
declare
    v_patience constant text := current_setting('lock_timeout');
    v_limit text;
begin
    -- those who want it alone come one after the other, with the gate open; all waits together stay below three seconds
    v_limit := set_config('lock_timeout', '750ms', true);
    perform pg_advisory_xact_lock(1, p_segment_id);
    v_limit := set_config('lock_timeout', v_patience, true);
    perform from segments where segments.segment_id = p_segment_id for no key update skip locked;
    if found then
        return;
    end if;

    -- never shut for long: every writer waits, and one who is in may be waiting for a segment that is being emptied
    v_limit := set_config('lock_timeout', '250ms', true);
    for v_try in 1 .. 4 loop
        begin
            perform pg_advisory_lock(0, 0);
            perform from segments where segments.segment_id = p_segment_id for no key update;
            perform pg_advisory_unlock(0, 0);
            exit;
        exception when query_canceled or others then
            -- asked of the server: a wait that fails as its time is over may have been given the gate all the same
            if exists (select from pg_locks
                        where pg_locks.pid = pg_backend_pid() and pg_locks.granted
                          and pg_locks.locktype = 'advisory' and pg_locks.mode = 'ExclusiveLock'
                          and pg_locks.classid = 0 and pg_locks.objid = 0 and pg_locks.objsubid = 2) then
                perform pg_advisory_unlock(0, 0);
            end if;
            if sqlstate <> '55P03' or v_try = 4 then  -- lock_not_available
                raise;
            end if;
        end;
        perform pg_sleep(0.25);
    end loop;
    v_limit := set_config('lock_timeout', v_patience, true);
end
$$;

-- As before, through the gate.
create or replace function change_memberships(
    p_user_id bigint, p_add text[], p_delete text[], p_ttl integer, p_expires_at timestamptz, p_actor text,
    out unknown_slugs text[], out segments_added integer, out segments_deleted integer)
language plpgsql set plan_cache_mode = force_generic_plan
as $$
declare
    v_add integer[];
    v_delete integer[];
    v_actor text;
    v_gate text;
    v_present integer;
    v_first_end timestamptz;
    v_moment timestamptz;
    v_expires_at timestamptz;
    v_rows integer;
begin
    segments_added := 0;
    segments_deleted := 0;

    -- assigned, because PERFORM would run a query for it
    v_gate := pg_advisory_xact_lock_shared(0, 0);
    select coalesce(array_agg(locked.segment_id) filter (where named.position <= cardinality(p_add)), '{}'),
           coalesce(array_agg(locked.segment_id) filter (where named.position > cardinality(p_add)), '{}'),
           coalesce(array_agg(named.slug) filter (where locked.segment_id is null), '{}')
      into v_add, v_delete, unknown_slugs
      from unnest(p_add || p_delete) with ordinality named (slug, position)
      left join lateral (
           select segments.segment_id
             from segments
            where segments.slug = named.slug and segments.deleted_at is null
           offset 0
              for share) locked on true;
    if unknown_slugs <> '{}' then
        unknown_slugs := array(select distinct unknown.slug from unnest(unknown_slugs) unknown (slug) order by 1);
        return;
    end if;

    v_actor := set_config('segmentation.actor', p_actor, true);
    loop
        perform from users where users.user_id = p_user_id for no key update;
        exit when found;
        perform set_config('segmentation.by_hand', (v_add || v_delete)::text, true);
        insert into users (user_id) values (p_user_id) on conflict do nothing;
    end loop;

    if v_delete <> '{}' then
        with gone as (
            delete from memberships
             where memberships.user_id = p_user_id
               and memberships.segment_id = any (v_delete) and not memberships.segment_id = any (v_add)
         returning memberships.expires_at)
        select count(*) filter (where gone.expires_at is null or gone.expires_at > clock_timestamp())
          into segments_deleted
          from gone;
    end if;
    select count(*), min(present.expires_at)
      into v_present, v_first_end
      from (select memberships.expires_at
              from memberships
             where memberships.user_id = p_user_id and memberships.segment_id = any (v_add)
               for update) present;

    v_moment := clock_timestamp();
    v_expires_at := end_of_lifetime(v_moment, p_ttl, p_expires_at);

    if v_first_end <= v_moment then
        update memberships
           set added_at = v_moment, expires_at = v_expires_at, source = 'manual'
         where memberships.user_id = p_user_id and memberships.segment_id = any (v_add)
           and memberships.expires_at <= v_moment;
        get diagnostics segments_added = row_count;
    end if;
    if v_present < cardinality(v_add) then
        insert into memberships (user_id, segment_id, added_at, expires_at)
        select p_user_id, added.segment_id, v_moment, v_expires_at
          from unnest(v_add) added (segment_id)
            on conflict do nothing;
        get diagnostics v_rows = row_count;
        segments_added := segments_added + v_rows;
    end if;

    if exists (select from rollouts where rollouts.segment_id = any (v_add || v_delete)) then
        insert into rollout_overrides (user_id, segment_id, included)
        select p_user_id, rollouts.segment_id, rollouts.segment_id = any (v_add)
          from rollouts
         where rollouts.segment_id = any (v_add || v_delete)
         order by rollouts.segment_id
            on conflict (user_id, segment_id) do update set included = excluded.included
         where rollout_overrides.included <> excluded.included;
    end if;
end
$$;

-- As before, but nothing of a user there is: where an unknown one's history is erased, that one may arrive meanwhile. The
-- same moment says whether there is a user and which rows are read, so that rows and user are seen both or neither.
create or replace function erase_history(p_user_id bigint) returns bigint
language sql security definer set search_path = public, pg_temp
as $$
    with erased as (
        delete from history
         where history.user_id = p_user_id
           and not exists (select from users where users.user_id = p_user_id)
     returning 1)
    select count(*) from erased
$$;

-- As before, through the gate, and the segment is locked as for a change of memberships, before the user: an action is
-- dated before the deletion that it came before, whose own moment is behind that lock.
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
    -- locked: neither the segment nor the user nor the action may go before its row is in the history
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
        executed_at := clock_timestamp();
        insert into history (user_id, segment_id, slug, action_id, reason, actor, executed_at)
        values (p_user_id, v_segment_id, p_slug, v_action_id, 'manual', p_actor, executed_at);
        v_count := count_operations('operations_custom', 1);
    end if;
end
$$;

-- As before, but a lifetime changed at the moment at which it was found active, which the function that changes it hands
-- over: behind the clock of the trigger the new end, or the old one, may already have passed.
create or replace function record_changes() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_moment constant timestamptz := coalesce(
        nullif(current_setting('segmentation.lifetime_changed_at', true), '')::timestamptz, clock_timestamp());
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
           case when after.added_at <> before.added_at then after.added_at else v_moment end
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

-- As before, through the gate, and hands its moment to the trigger: for this one statement, not for what else the
-- transaction changes.
create or replace function change_lifetime(
    p_user_id bigint, p_slug text, p_ttl integer, p_expires_at timestamptz, p_actor text)
    returns table (added_at timestamptz, expires_at timestamptz)
language plpgsql
as $$
declare
    v_segment_id integer;
    v_moment timestamptz;
begin
    perform pg_advisory_xact_lock_shared(0, 0);
    select segments.segment_id into v_segment_id
      from segments
     where segments.slug = p_slug and segments.deleted_at is null
       for share;
    perform from users where users.user_id = p_user_id for no key update;
    perform from memberships
      where memberships.user_id = p_user_id and memberships.segment_id = v_segment_id
        for update;
    v_moment := clock_timestamp();

    perform set_config('segmentation.actor', p_actor, true),
            set_config('segmentation.lifetime_changed_at', v_moment::text, true);
    return query
    update memberships
       set expires_at = end_of_lifetime(v_moment, p_ttl, p_expires_at)
     where memberships.user_id = p_user_id and memberships.segment_id = v_segment_id
       and (memberships.expires_at is null or memberships.expires_at > v_moment)
 returning memberships.added_at, memberships.expires_at;
    perform set_config('segmentation.lifetime_changed_at', '', true);
end
$$;

-- Deleted segments that were taken for empty while others were ending the same memberships: they are shown as left
-- from now on, and a job, which the schedule finds as it finds one whose message is lost, writes the exits. Nobody has
-- entered them since, so that those which a job is emptying now, or a request is deleting, are not among them.
with repaired as (
    update segments
       set is_emptying = true, deleted_by = coalesce(segments.deleted_by, 'schedule')
     where segments.deleted_at is not null and not segments.is_emptying
       and exists (select from memberships where memberships.segment_id = segments.segment_id)
 returning segments.segment_id, segments.deleted_by)
insert into jobs (kind, parameters, actor)
select 'segment_removal', jsonb_build_object('segment_id', repaired.segment_id), repaired.deleted_by
  from repaired;

-- Nor is one taken for empty from now on, while the code that did so is still there: the job begins again.
create function keep_emptying() returns trigger
language plpgsql
as $$
begin
    if exists (select from memberships where memberships.segment_id = new.segment_id) then
        new.is_emptying := true;
        insert into jobs (kind, parameters, actor)
        values ('segment_removal', jsonb_build_object('segment_id', new.segment_id),
                coalesce(new.deleted_by, 'schedule'));
    end if;
    return new;
end
$$;

create trigger segments_keep_emptying before update of is_emptying on segments for each row
    when (old.is_emptying and not new.is_emptying)
    execute function keep_emptying();

-- As before, and looks for those who arrived since only where somebody has, and for the membership of each by its key: a
-- plan of before the tables were analysed might read all members for each of them, while nobody else may arrive.
create or replace function open_rollout(
    p_segment_id integer, p_percent numeric, p_users bigint, p_arrivals bigint, p_taken bigint, p_job_id uuid)
    returns integer
language plpgsql
as $$
declare
    v_share constant numeric := p_users * p_percent / 100;
    v_arrivals bigint;
    v_enrolled bigint[] := '{}';
    v_others bigint[] := '{}';
begin
    select population.arrivals into v_arrivals from population for update;
    if v_arrivals > p_arrivals then
        -- whom the percent before brought in meanwhile is in: they count as the first to come
        select coalesce(array_agg(users.user_id) filter (where member.source = 'percent'), '{}'),
               coalesce(array_agg(users.user_id order by users.ordinal)
                        filter (where member.source is distinct from 'percent'), '{}')
          into v_enrolled, v_others
          from users
          left join lateral (
               select memberships.source
                 from memberships
                where memberships.user_id = users.user_id and memberships.segment_id = p_segment_id
               offset 0) member on true
         where users.ordinal >= p_arrivals;
    end if;
    update rollouts
       set last_percent = p_percent, base_users = p_users, base_arrivals = p_arrivals, job_id = p_job_id,
           -- what the share is short of or beyond, because there are no more candidates or because whoever is in
           -- stays in, is not made up for at the cost or in favour of those who arrive
           taken = least(greatest(p_taken, floor(v_share)), ceil(v_share)) + cardinality(v_enrolled)
     where rollouts.segment_id = p_segment_id;
    return enrol_arrivals(v_others, p_arrivals + cardinality(v_enrolled), p_segment_id, '{}');
end
$$;

-- Attempts to sign in whose password is still being looked at: where they keep others out, it is not for long.
alter table sign_in_failures add column under_way integer not null default 0;

grant insert (under_way), update (under_way) on sign_in_failures to segmentation_app;

-- A membership that would begin in the microsecond in which the one before it ended begins in the next: the exit and the
-- entry would share an instant, of which the view below shows exits that were due behind all else.
create function begin_after_the_end() returns trigger
language plpgsql
as $$
begin
    new.added_at := old.expires_at + interval '1 microsecond';
    return new;
end
$$;

create trigger memberships_begin_after_the_end before update on memberships for each row
    when (new.added_at = old.expires_at)
    execute function begin_after_the_end();

-- As before, and with each row's place among those of its instant, which is the same before and after the schedule or
-- a job writes the row: for an exit that can wait for them it is made of the segment, and history_id comes with writing.
-- No two of a user are alike: a segment is deleted once, and a membership ends after it began, which is later than the
-- end of the one before it.
create or replace view operations as
select history.user_id, history.segment_id, history.slug, history.action_id, history.reason, history.actor,
       history.expires_at, history.executed_at, history.history_id,
       case when history.action_id = 2 and history.reason in ('ttl', 'segment_deleted')
            then 9223372034707292160 + history.segment_id
            else history.history_id end as place
  from history
 union all
select memberships.user_id, memberships.segment_id, segments.slug, 2,
       case when segments.deleted_at < memberships.expires_at then 'segment_deleted' else 'ttl' end::reason,
       case when segments.deleted_at < memberships.expires_at then segments.deleted_by else 'schedule' end,
       memberships.expires_at, least(memberships.expires_at, segments.deleted_at),
       9223372034707292160 + segments.segment_id, 9223372034707292160 + segments.segment_id
  from memberships
  join segments on segments.segment_id = memberships.segment_id
 where memberships.expires_at <= now()
 union all
select memberships.user_id, memberships.segment_id, segments.slug, 2, 'segment_deleted', segments.deleted_by,
       memberships.expires_at, segments.deleted_at,
       9223372034707292160 + segments.segment_id, 9223372034707292160 + segments.segment_id
  from memberships
  join segments on segments.segment_id = memberships.segment_id
 where segments.is_emptying and (memberships.expires_at is null or memberships.expires_at > now());
