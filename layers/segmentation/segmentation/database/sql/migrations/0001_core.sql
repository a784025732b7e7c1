-- Users, segments, memberships, and the history that the database itself writes.
-- The owner runs this; handlers connect as a login in the role segmentation_app, which owns nothing.

do $$
begin
    create role segmentation_app nologin;
exception
    -- roles belong to the whole server: another database of it may have made this one already
    when duplicate_object or unique_violation then null;
end
$$;

create type reason as enum ('manual', 'percent', 'ttl', 'segment_deleted', 'user_deleted', 'import');

create sequence user_ids as bigint;

create table users (
    user_id bigint primary key,
    created_at timestamptz not null default now(),
    constraint users_id_is_positive check (user_id > 0)
);

create table segments (
    segment_id integer generated always as identity primary key,
    -- collation "C": slugs are ASCII, and prefix search can then use the index
    slug text collate "C" not null,
    description text,
    user_percent numeric(5, 2),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint segments_slug_grammar check (slug ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{2,254}$'),
    constraint segments_slug_not_reserved check (slug not in ('user', 'history', 'reports', 'batch')),
    constraint segments_percent_range check (user_percent between 0.01 and 100)
);

-- a deleted slug is free again, the id never is
create unique index segments_live_slug on segments (slug) where deleted_at is null;

create table memberships (
    user_id bigint not null references users,
    segment_id integer not null references segments,
    added_at timestamptz not null,
    expires_at timestamptz,
    source reason not null default 'manual',
    constraint memberships_expire_after_entry check (expires_at > added_at),
    constraint memberships_source_is_an_entry check (source in ('manual', 'percent', 'import')),
    -- user first: every hot question is about one user, and the index alone answers it
    constraint memberships_one_per_user_and_segment primary key (user_id, segment_id) include (added_at, expires_at)
);

create index memberships_by_segment on memberships (segment_id, user_id) include (added_at, expires_at);
create index memberships_by_expiry on memberships (expires_at) where expires_at is not null;

create table actions (
    action_id integer generated always as identity primary key,
    name text not null constraint actions_name_once unique,
    -- the letter in reports: I added, D deleted, U lifetime changed, A an action of the company's own
    operation text not null default 'A'
);

insert into actions (name, operation) values ('added', 'I'), ('deleted', 'D'), ('lifetime_changed', 'U');

create sequence history_ids as bigint;

create table history (
    history_id bigint not null default nextval('history_ids'),
    user_id bigint not null,
    segment_id integer,
    -- as it was then: a later rename changes nothing here
    slug text collate "C" not null,
    -- no foreign key: deleting an action would read the whole history; only the functions below write here
    action_id integer not null,
    reason reason not null,
    actor text not null,
    expires_at timestamptz,
    executed_at timestamptz not null,
    constraint history_by_user primary key (user_id, executed_at, history_id)
) partition by range (executed_at);

-- what no month's partition foresees is kept here
create table history_default partition of history default;

create function create_history_partitions(p_first_month date, p_months integer) returns void
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_month timestamp;
    v_name text;
    v_from timestamptz;
    v_to timestamptz;
begin
    for v_month in
        select generate_series(date_trunc('month', p_first_month::timestamp),
                               date_trunc('month', p_first_month::timestamp) + make_interval(months => p_months - 1),
                               '1 month')
    loop
        v_name := 'history_' || to_char(v_month, 'YYYY_MM');
        continue when to_regclass(v_name) is not null;
        v_from := v_month at time zone 'UTC';
        v_to := (v_month + interval '1 month') at time zone 'UTC';
        execute format('create table %I (like history including defaults including constraints)', v_name);
        -- rows of that month which came before its partition move over: attaching would fail on them
        execute format('with moved as (delete from history_default where executed_at >= $1 and executed_at < $2
                                       returning *)
                        insert into %I select * from moved', v_name) using v_from, v_to;
        execute format('alter table history attach partition %I for values from (%L) to (%L)', v_name, v_from, v_to);
    end loop;
end
$$;

-- Actor and reason are what the application announced for this transaction; a change made past the application
-- is still written down, under the name of the database role that made it.
create function history_actor() returns text
language sql stable
as $$
    select coalesce(nullif(current_setting('segmentation.actor', true), ''), session_user)
$$;

create function history_reason() returns reason
language sql stable
as $$
    select coalesce(nullif(current_setting('segmentation.reason', true), ''), 'manual')::reason
$$;

create function record_entries() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select entered.user_id, entered.segment_id, segments.slug, 1, entered.source, history_actor(),
           entered.expires_at, entered.added_at
      from entered
      join segments on segments.segment_id = entered.segment_id;
    return null;
end
$$;

-- An exit happened when the lifetime ended or the segment was deleted, if that came before this removal.
create function record_exits() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_moment constant timestamptz := clock_timestamp();
    v_reason constant reason := history_reason();
    v_actor constant text := history_actor();
begin
    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select gone.user_id, gone.segment_id, segments.slug, 2,
           case when gone.expires_at <= coalesce(segments.deleted_at, v_moment) then 'ttl'
                when segments.deleted_at is not null then 'segment_deleted'
                else v_reason end,
           case when gone.expires_at <= coalesce(segments.deleted_at, v_moment) then 'schedule' else v_actor end,
           gone.expires_at,
           least(gone.expires_at, segments.deleted_at, v_moment)
      from gone
      join segments on segments.segment_id = gone.segment_id;
    return null;
end
$$;

-- A new added_at is a new membership in the place of an expired one: the old one ends when its lifetime did.
-- Otherwise only the lifetime changed.
create function record_changes() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select before.user_id, before.segment_id, segments.slug, 2, 'ttl', 'schedule', before.expires_at, before.expires_at
      from old_rows before
      join new_rows after on after.user_id = before.user_id and after.segment_id = before.segment_id
      join segments on segments.segment_id = before.segment_id
     where after.added_at <> before.added_at;

    insert into history (user_id, segment_id, slug, action_id, reason, actor, expires_at, executed_at)
    select after.user_id, after.segment_id, segments.slug,
           case when after.added_at <> before.added_at then 1 else 3 end,
           case when after.added_at <> before.added_at then after.source else history_reason() end, history_actor(), after.expires_at,
           case when after.added_at <> before.added_at then after.added_at else clock_timestamp() end
      from old_rows before
      join new_rows after on after.user_id = before.user_id and after.segment_id = before.segment_id
      join segments on segments.segment_id = after.segment_id
     where after.added_at <> before.added_at or after.expires_at is distinct from before.expires_at;
    return null;
end
$$;

create trigger memberships_record_entries after insert on memberships
    referencing new table as entered for each statement execute function record_entries();
create trigger memberships_record_exits after delete on memberships
    referencing old table as gone for each statement execute function record_exits();
create trigger memberships_record_changes after update on memberships
    referencing old table as old_rows new table as new_rows for each statement execute function record_changes();

-- A membership row keeps its user and segment for life, and starts anew only after it has ended: an update
-- could otherwise hand it to another user, or lose an exit.
create function refuse_rewritten_membership() returns trigger
language plpgsql
as $$
begin
    raise exception 'a membership keeps its user, its segment and, until it has expired, its beginning'
        using errcode = 'integrity_constraint_violation';
end
$$;

create trigger memberships_keep_identity before update on memberships for each row
    when (new.user_id <> old.user_id or new.segment_id <> old.segment_id
          or (new.added_at <> old.added_at and (old.expires_at is null or new.added_at < old.expires_at)))
    execute function refuse_rewritten_membership();

-- An id that no user has, and none with a history ever had. Strides double over taken ids, so that a million
-- ids brought by callers cost twenty probes and not a million.
create function allocate_user_id() returns bigint
language plpgsql
as $$
declare
    v_candidate bigint := nextval('user_ids');
    v_stride bigint := 1;
begin
    while exists (select from users where users.user_id = v_candidate)
       or exists (select from history where history.user_id = v_candidate)
    loop
        v_candidate := setval('user_ids', greatest(v_candidate + v_stride, (select last_value from user_ids)));
        v_stride := v_stride * 2;
    end loop;
    return v_candidate;
end
$$;

-- When a lifetime that begins at a moment ends: never, after so many seconds, or at an instant still to come.
create function end_of_lifetime(p_moment timestamptz, p_ttl integer, p_expires_at timestamptz) returns timestamptz
language plpgsql
as $$
begin
    if p_expires_at <= p_moment then
        raise check_violation using constraint = 'memberships_expire_after_entry';
    end if;
    return coalesce(p_moment + make_interval(secs => p_ttl), p_expires_at);
end
$$;

-- Change one user's memberships: all of it, or nothing where a slug is unknown or the lifetime is over.
-- One round trip, and each statement in it sees what committed while it waited for a lock. Locks are taken in
-- one order everywhere (segments by id, user, memberships by segment id), so writers cannot deadlock; the
-- moment is read after the last lock, so that the history of a user and segment is in time order.
create function change_memberships(
    p_user_id bigint, p_add text[], p_delete text[], p_ttl integer, p_expires_at timestamptz, p_actor text,
    out unknown_slugs text[], out segments_added integer, out segments_deleted integer)
language plpgsql
as $$
declare
    v_slugs constant text[] := p_add || p_delete;
    v_segments integer[];
    v_add integer[];
    v_moment timestamptz;
    v_expires_at timestamptz;
begin
    with locked as materialized (
        select segments.segment_id, segments.slug
          from segments
         where segments.slug = any (v_slugs) and segments.deleted_at is null
         order by segments.segment_id
           for share)
    select coalesce(array_agg(locked.segment_id), '{}'),
           coalesce(array_agg(locked.segment_id) filter (where locked.slug = any (p_add)), '{}'),
           array(select distinct named.slug
                   from unnest(v_slugs) named (slug)
                  where not named.slug = any (coalesce(array_agg(locked.slug), '{}'))
                  order by 1)
      into v_segments, v_add, unknown_slugs
      from locked;
    if unknown_slugs <> '{}' then
        return;
    end if;

    loop
        perform from users where users.user_id = p_user_id for no key update;
        exit when found;
        insert into users (user_id) values (p_user_id) on conflict do nothing;
    end loop;
    perform from memberships
      where memberships.user_id = p_user_id and memberships.segment_id = any (v_segments)
      order by memberships.segment_id
        for update;

    v_moment := clock_timestamp();
    v_expires_at := end_of_lifetime(v_moment, p_ttl, p_expires_at);

    perform set_config('segmentation.actor', p_actor, true);
    with gone as (
        delete from memberships
         where memberships.user_id = p_user_id
           and memberships.segment_id = any (v_segments) and not memberships.segment_id = any (v_add)
     returning memberships.expires_at)
    select count(*) filter (where gone.expires_at is null or gone.expires_at > v_moment)
      into segments_deleted
      from gone;

    insert into memberships (user_id, segment_id, added_at, expires_at)
    select p_user_id, added.segment_id, v_moment, v_expires_at
      from unnest(v_add) added (segment_id)
     order by added.segment_id
        on conflict (user_id, segment_id) do update
       set added_at = excluded.added_at, expires_at = excluded.expires_at, source = excluded.source
     where memberships.expires_at <= excluded.added_at;
    get diagnostics segments_added = row_count;
end
$$;

create function erase_history(p_user_id bigint) returns bigint
language sql security definer set search_path = public, pg_temp
as $$
    with erased as (delete from history where history.user_id = p_user_id returning 1)
    select count(*) from erased
$$;

revoke all on function create_history_partitions(date, integer), erase_history(bigint) from public;

grant usage on schema public to segmentation_app;
grant select, insert, delete on users to segmentation_app;
-- FOR NO KEY UPDATE asks for the right to update; no handler changes a user
grant update (created_at) on users to segmentation_app;
grant select, insert, update on segments to segmentation_app;
grant select, insert, delete on memberships to segmentation_app;
grant update (added_at, expires_at, source) on memberships to segmentation_app;
grant select on history, actions to segmentation_app;
grant usage, select, update on sequence user_ids to segmentation_app;
grant execute on function erase_history(bigint) to segmentation_app;
grant select on schema_migrations to segmentation_app;
