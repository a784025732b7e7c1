-- Percent rollouts: exact, sticky, fair, and kept up with users who arrive; docs/rollouts.md has the rule and its proof.
-- And segments whose members leave after the answer: deleted at once, emptied by a job.

-- How many users ever arrived. An arrival holds this row until it commits, so that the numbers have no gaps, and
-- whoever reads it knows that all users numbered below are there to see.
create table population (
    is_only_row boolean primary key default true constraint population_is_one_row check (is_only_row),
    arrivals bigint not null
);

insert into population (arrivals) values (0);

-- Users who came before anybody was numbered are before every arrival, and that is all there is to know.
alter table users add column ordinal bigint not null default -1;

-- a few pages long: it only has to find the newest users
create index users_by_arrival on users using brin (ordinal) with (pages_per_range = 16, autosummarize = on);

-- A segment that has, or once had, a percent.
create table rollouts (
    segment_id integer primary key references segments,
    -- the last percent there was, kept when it is set to null: only a lower one takes anybody out
    last_percent numeric(5, 2) not null default 0,
    -- which users come first, and whether a share is rounded up, differently in every segment
    salt bigint not null default ('x' || md5(gen_random_uuid()::text))::bit(64)::bigint,
    -- the users there were when the percent was last set, the arrivals up to then, and the users of those whom it
    -- wants in; from there on every arrival is decided by the rule, which adds those it takes in
    base_users bigint not null default 0,
    base_arrivals bigint not null default 0,
    taken bigint not null default 0,
    -- the job that brings the segment to its percent, if it takes one
    job_id uuid
);

-- What somebody decided by hand about a user and a segment with a percent: the rollout leaves it at that.
create table rollout_overrides (
    user_id bigint not null references users on delete cascade,
    segment_id integer not null references segments,
    included boolean not null,
    constraint rollout_overrides_one_per_user_and_segment primary key (user_id, segment_id)
);

create index rollout_overrides_by_segment on rollout_overrides (segment_id);

alter table segments
    add column deleted_by text,
    -- deleted, and a job still has exits to write
    add column is_emptying boolean not null default false;

create index segments_emptying on segments (segment_id) where is_emptying;

-- Whether a rollout takes in the next arrival: of so many users it has taken so many, in hundredths of a percent.
-- Keeps "taken" at the floor or the ceiling of users * percent, whatever the draw, with the same chance for everyone.
create function takes_arrival(p_users bigint, p_taken bigint, p_basis_points integer, p_draw bigint) returns boolean
language sql immutable parallel safe
as $$
    select case
        when fraction + p_basis_points < 10000 then
            ahead < 0 or ahead = 0 and draw % (10000 - fraction) < p_basis_points
        else
            ahead < 1 or ahead = 1 and fraction > 0 and draw % fraction < fraction + p_basis_points - 10000
        end
      from (select (p_users * p_basis_points % 10000)::integer as fraction,
                   p_taken - p_users * p_basis_points / 10000 as ahead,
                   p_draw & 9223372036854775807 as draw) state
$$;

-- Decide arrivals in their order, for one rollout or for all that are live but those that a request decides by hand.
-- The caller holds the row of population: nobody else arrives meanwhile, and no percent changes.
create function enrol_arrivals(p_users bigint[], p_first_ordinal bigint, p_segment_id integer, p_by_hand integer[])
    returns integer
language plpgsql
as $$
declare
    v_rollout record;
    v_user_id bigint;
    v_seen bigint;
    v_taken bigint;
    v_users bigint[] := '{}';
    v_segments integer[] := '{}';
    v_enrolled integer;
begin
    for v_rollout in
        select rollouts.*, (segments.user_percent * 100)::integer as basis_points
          from rollouts
          join segments on segments.segment_id = rollouts.segment_id
         where segments.user_percent is not null and segments.deleted_at is null
           and (p_segment_id is null or rollouts.segment_id = p_segment_id)
         order by rollouts.segment_id
    loop
        v_seen := v_rollout.base_users + p_first_ordinal - v_rollout.base_arrivals;
        v_taken := v_rollout.taken;
        foreach v_user_id in array p_users loop
            if takes_arrival(v_seen, v_taken, v_rollout.basis_points, hashint8extended(v_user_id, v_rollout.salt)) then
                v_taken := v_taken + 1;
                if not v_rollout.segment_id = any (p_by_hand) then
                    v_users := v_users || v_user_id;
                    v_segments := v_segments || v_rollout.segment_id;
                end if;
            end if;
            v_seen := v_seen + 1;
        end loop;
        if v_taken <> v_rollout.taken then
            update rollouts set taken = v_taken where rollouts.segment_id = v_rollout.segment_id;
        end if;
    end loop;

    if v_users = '{}' then
        return 0;
    end if;
    insert into memberships (user_id, segment_id, added_at, source)
    select enrolled.user_id, enrolled.segment_id, clock_timestamp(), 'percent'
      from unnest(v_users, v_segments) enrolled (user_id, segment_id)
     order by enrolled.user_id, enrolled.segment_id
        on conflict do nothing;
    get diagnostics v_enrolled = row_count;
    return v_enrolled;
end
$$;

-- Let the rule decide arrivals from now on, and those who arrived since the users were counted; returns how many of
-- these it enrolled. Holds arrivals up until the transaction ends.
create function open_rollout(
    p_segment_id integer, p_percent numeric, p_users bigint, p_arrivals bigint, p_taken bigint, p_job_id uuid)
    returns integer
language plpgsql
as $$
declare
    v_share constant numeric := p_users * p_percent / 100;
    v_enrolled bigint[];
    v_others bigint[];
begin
    perform from population for update;
    -- whom the percent before brought in meanwhile is in: they count as the first to come
    select coalesce(array_agg(users.user_id) filter (where memberships.source = 'percent'), '{}'),
           coalesce(array_agg(users.user_id order by users.ordinal)
                    filter (where memberships.source is distinct from 'percent'), '{}')
      into v_enrolled, v_others
      from users
      left join memberships on memberships.user_id = users.user_id and memberships.segment_id = p_segment_id
     where users.ordinal >= p_arrivals;
    update rollouts
       set last_percent = p_percent, base_users = p_users, base_arrivals = p_arrivals, job_id = p_job_id,
           -- what the share is short of or beyond, because there are no more candidates or because whoever is in
           -- stays in, is not made up for at the cost or in favour of those who arrive
           taken = least(greatest(p_taken, floor(v_share)), ceil(v_share)) + cardinality(v_enrolled)
     where rollouts.segment_id = p_segment_id;
    return enrol_arrivals(v_others, p_arrivals + cardinality(v_enrolled), p_segment_id, '{}');
end
$$;

-- Number the users who arrived with a statement, and enrol them; a user who was there already is no arrival.
create function admit_users() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    v_users constant bigint[] := array(select arrived.user_id from arrived order by arrived.user_id);
    v_first_ordinal bigint;
begin
    if v_users = '{}' then
        return null;
    end if;
    update population
       set arrivals = arrivals + cardinality(v_users)
 returning arrivals - cardinality(v_users) into v_first_ordinal;
    update users
       set ordinal = v_first_ordinal + numbered.position - 1
      from unnest(v_users) with ordinality numbered (user_id, position)
     where users.user_id = numbered.user_id;
    perform enrol_arrivals(v_users, v_first_ordinal, null,
                           coalesce(nullif(current_setting('segmentation.by_hand', true), ''), '{}')::integer[]);
    return null;
end
$$;

create trigger users_admit after insert on users
    referencing new table as arrived for each statement execute function admit_users();

-- An exit from a deleted segment happened when it was deleted, and whoever deleted it is the actor.
create or replace function record_exits() returns trigger
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
           case when gone.expires_at <= coalesce(segments.deleted_at, v_moment) then 'schedule'
                when segments.deleted_at is not null then coalesce(segments.deleted_by, v_actor)
                else v_actor end,
           gone.expires_at,
           least(gone.expires_at, segments.deleted_at, v_moment)
      from gone
      join segments on segments.segment_id = gone.segment_id;
    return null;
end
$$;

-- The history as it is read: what was written, and the exits that happened but whose rows wait for the schedule
-- or for a job. Those sort behind all that was written at the same instant, so that a cursor stays good when
-- they are written, and no two of a user are alike.
create or replace view operations as
select history.user_id, history.segment_id, history.slug, history.action_id, history.reason, history.actor,
       history.expires_at, history.executed_at, history.history_id
  from history
 union all
select memberships.user_id, memberships.segment_id, segments.slug, 2,
       case when segments.deleted_at < memberships.expires_at then 'segment_deleted' else 'ttl' end::reason,
       case when segments.deleted_at < memberships.expires_at then segments.deleted_by else 'schedule' end,
       memberships.expires_at, least(memberships.expires_at, segments.deleted_at),
       9223372034707292160 + segments.segment_id
  from memberships
  join segments on segments.segment_id = memberships.segment_id
 where memberships.expires_at <= now()
 union all
select memberships.user_id, memberships.segment_id, segments.slug, 2, 'segment_deleted', segments.deleted_by,
       memberships.expires_at, segments.deleted_at, 9223372034707292160 + segments.segment_id
  from memberships
  join segments on segments.segment_id = memberships.segment_id
 where segments.is_emptying and (memberships.expires_at is null or memberships.expires_at > now());

-- As before, and: a user who arrives is not enrolled where the request itself decides, and what it decides about a
-- segment with a percent is kept from the rollout.
create or replace function change_memberships(
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

    perform set_config('segmentation.actor', p_actor, true);
    loop
        perform from users where users.user_id = p_user_id for no key update;
        exit when found;
        perform set_config('segmentation.by_hand', v_segments::text, true);
        insert into users (user_id) values (p_user_id) on conflict do nothing;
    end loop;
    perform from memberships
      where memberships.user_id = p_user_id and memberships.segment_id = any (v_segments)
      order by memberships.segment_id
        for update;

    v_moment := clock_timestamp();
    v_expires_at := end_of_lifetime(v_moment, p_ttl, p_expires_at);

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

    insert into rollout_overrides (user_id, segment_id, included)
    select p_user_id, rollouts.segment_id, rollouts.segment_id = any (v_add)
      from rollouts
     where rollouts.segment_id = any (v_segments)
     order by rollouts.segment_id
        on conflict (user_id, segment_id) do update set included = excluded.included
     where rollout_overrides.included <> excluded.included;
end
$$;

revoke all on function admit_users() from public;

-- FOR NO KEY UPDATE asks for the right to update; only the trigger changes it
grant select, update on population to segmentation_app;
grant select, insert, update, delete on rollouts, rollout_overrides to segmentation_app;
