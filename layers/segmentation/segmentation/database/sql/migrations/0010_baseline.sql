-- The tables, types, sequences, indexes and rights that the migrations 1 to 10 made, in one step.
-- The owner runs this. Handlers connect as a login in the role segmentation_app, which owns nothing.
-- Functions, views and triggers are not here: each has a file of its own, which is applied after the migrations.

do $$
begin
    create role segmentation_app nologin;
exception
    -- Roles belong to the whole server: another database on it may have created this one already.
    when duplicate_object or unique_violation then null;
end
$$;

create type reason as enum ('manual', 'percent', 'ttl', 'segment_deleted', 'user_deleted', 'import');

create sequence user_ids as bigint;

create table users (
    user_id bigint primary key,
    created_at timestamptz not null default now(),
    -- The number of the arrival. -1 stands for users who arrived before arrivals were numbered.
    ordinal bigint not null default -1,
    constraint users_id_is_positive check (user_id > 0)
);

-- The index is a few pages long. It only has to find the newest users.
create index users_by_arrival on users using brin (ordinal) with (pages_per_range = 16, autosummarize = on);

create table segments (
    segment_id integer generated always as identity primary key,
    -- Slugs are ASCII. With the collation "C" a search for a prefix can use the index.
    slug text collate "C" not null,
    description text,
    user_percent numeric(5, 2),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    deleted_by text,
    -- The segment is deleted, and a job has not yet written all exits.
    is_emptying boolean not null default false,
    constraint segments_slug_grammar check (slug ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{2,254}$'),
    constraint segments_slug_not_reserved check (slug not in ('user', 'history', 'reports', 'batch')),
    constraint segments_percent_range check (user_percent between 0.01 and 100)
);

-- A deleted slug is free again. Its segment_id is never used again.
create unique index segments_live_slug on segments (slug) where deleted_at is null;
create index segments_emptying on segments (segment_id) where is_emptying;
-- Each arrival reads the segments that have a percent, while other arrivals wait. It must not read all segments.
create index segments_with_percent on segments (segment_id) where user_percent is not null and deleted_at is null;

create table memberships (
    user_id bigint not null references users,
    segment_id integer not null references segments,
    added_at timestamptz not null,
    expires_at timestamptz,
    source reason not null default 'manual',
    constraint memberships_expire_after_entry check (expires_at > added_at),
    constraint memberships_source_is_an_entry check (source in ('manual', 'percent', 'import')),
    -- user_id comes first because every frequent query is about one user. The index alone answers it.
    constraint memberships_one_per_user_and_segment primary key (user_id, segment_id) include (added_at, expires_at)
);

create index memberships_by_segment on memberships (segment_id, user_id) include (added_at, expires_at);
create index memberships_by_expiry on memberships (expires_at) where expires_at is not null;

create table actions (
    action_id integer generated always as identity primary key,
    name text not null constraint actions_name_once unique,
    -- The letter in reports: I added, D deleted, U lifetime changed, A a custom action.
    operation text not null default 'A'
);

insert into actions (name, operation) values ('added', 'I'), ('deleted', 'D'), ('lifetime_changed', 'U');

create sequence history_ids as bigint;

create table history (
    history_id bigint not null default nextval('history_ids'),
    user_id bigint not null,
    segment_id integer,
    -- The slug at the time of the operation. A later rename does not change it.
    slug text collate "C" not null,
    -- There is no foreign key: the deletion of an action would read the whole history. Only functions write here.
    action_id integer not null,
    reason reason not null,
    actor text not null,
    expires_at timestamptz,
    executed_at timestamptz not null,
    constraint history_by_user primary key (user_id, executed_at, history_id)
) partition by range (executed_at);

-- This partition takes the rows of months that have no partition. The runner and the schedule create the months ahead.
create table history_default partition of history default;

-- This index answers whether a custom action is in use without reading the entries and exits.
create index history_by_custom_action on history (action_id) where action_id > 3;
-- The report on all users reads a month in order of time, part by part. Each part begins where the last one ended.
create index history_by_time on history (executed_at, history_id);

-- The number of operations of each kind, for monitoring. Counting them in the history would read all of it.
-- Sequences count, because writers never wait for each other at a sequence. A count is never too low. It can be a little
-- too high: it includes rolled-back operations, and a crash of the server can skip up to 32 numbers.
create sequence operations_added;
create sequence operations_deleted;
create sequence operations_lifetime_changed;
create sequence operations_custom;

-- Work that outlasts a request, for example reports over a month of all users.
create table jobs (
    job_id uuid primary key default gen_random_uuid(),
    kind text not null,
    parameters jsonb not null,
    actor text not null,
    status text not null default 'queued',
    done bigint not null default 0,
    total bigint,
    -- The place at which an interrupted run continues. Each kind of job defines its content.
    progress jsonb not null default '{}',
    result jsonb,
    error text,
    -- The number of attempts since the job last made progress.
    attempts integer not null default 0,
    -- The holder of the lease may write to a running job. Without progress the lease ends at leased_until.
    lease uuid,
    leased_until timestamptz,
    created_at timestamptz not null default now(),
    queued_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint jobs_status_known check (status in ('queued', 'running', 'succeeded', 'failed')),
    constraint jobs_leased_while_running check ((lease is not null) = (status = 'running')),
    constraint jobs_finish_once check ((finished_at is not null) = (status in ('succeeded', 'failed'))),
    constraint jobs_say_how_they_ended check ((result is not null) = (status = 'succeeded')
                                              and (error is not null) = (status = 'failed'))
);

create index jobs_unfinished on jobs (queued_at) where finished_at is null;

-- The number of users who ever arrived. An arrival locks this row until it commits, so the numbers have no gaps.
-- A transaction that reads the row can therefore see all users with a lower number. docs/rollouts.md explains the rule.
create table population (
    is_only_row boolean primary key default true constraint population_is_one_row check (is_only_row),
    arrivals bigint not null
);

insert into population (arrivals) values (0);

-- A segment that has a percent, or had one.
create table rollouts (
    segment_id integer primary key references segments,
    -- The last percent, kept when the percent is set to null. Only a lower percent removes users.
    last_percent numeric(5, 2) not null default 0,
    -- The salt gives each segment its own order of users, and its own draw on rounding a share up.
    salt bigint not null default ('x' || md5(gen_random_uuid()::text))::bit(64)::bigint,
    -- When the percent was last set: the number of users, of arrivals, and of users that the percent wants in.
    -- The rule decides each later arrival, and adds those it enrols to "taken".
    base_users bigint not null default 0,
    base_arrivals bigint not null default 0,
    taken bigint not null default 0,
    -- The job that brings the segment to its percent, if one is needed.
    job_id uuid
);

-- Decisions by hand about a user and a segment with a percent. The percent does not change them.
create table rollout_overrides (
    user_id bigint not null references users on delete cascade,
    segment_id integer not null references segments,
    included boolean not null,
    constraint rollout_overrides_one_per_user_and_segment primary key (user_id, segment_id)
);

create index rollout_overrides_by_segment on rollout_overrides (segment_id);

create table accounts (
    account_id integer generated always as identity primary key,
    username text collate "C" not null,
    password_hash text not null,
    role text not null,
    created_at timestamptz not null default now(),
    constraint accounts_username_grammar check (username ~ '^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}$'),
    -- The history uses these names for other actors.
    constraint accounts_username_not_reserved check (lower(username) not in ('local', 'schedule')),
    constraint accounts_password_is_hashed check (password_hash like '$argon2id$%'),
    constraint accounts_role_known check (role in ('reader', 'editor', 'admin'))
);

-- Two accounts cannot differ in capital letters alone.
create unique index accounts_username_once on accounts (lower(username));

-- Failed sign-ins are not stored with the accounts: names without an account are counted in the same way. The
-- application also needs no right to change an account.
create table sign_in_failures (
    username text collate "C" not null constraint sign_in_failures_by_username primary key,
    failures integer not null default 1,
    failed_at timestamptz not null default now(),
    -- Sign-ins whose password is still being checked. They can lock out others for a short time only.
    under_way integer not null default 0
);

create index sign_in_failures_by_time on sign_in_failures (failed_at);

-- The answers to requests that a client may send again with the same key, kept for a day.
-- The digests are made with the key, and the key is stored nowhere. A reader of this table can neither use a key nor
-- guess the content of a request, for example a password.
create table idempotency_keys (
    -- The digest of the caller, the method, the path and the key.
    scope bytea primary key,
    -- The digest of the query and the body.
    fingerprint bytea not null,
    status smallint not null,
    headers jsonb not null,
    body text not null,
    created_at timestamptz not null default now()
);

create index idempotency_keys_by_age on idempotency_keys (created_at);

grant usage on schema public to segmentation_app;
grant select on schema_migrations to segmentation_app;

-- A lock with FOR NO KEY UPDATE needs the right to update. No handler changes a user or the population.
grant select, insert, delete on users to segmentation_app;
grant update (created_at) on users to segmentation_app;
grant usage, select, update on sequence user_ids to segmentation_app;
grant select, update on population to segmentation_app;

grant select, insert, update on segments to segmentation_app;
grant select, insert, delete on memberships to segmentation_app;
grant update (added_at, expires_at, source) on memberships to segmentation_app;
grant select, insert, update, delete on rollouts, rollout_overrides to segmentation_app;

-- The application reads the history. Only triggers and functions with the owner's rights write it.
grant select on history, actions to segmentation_app;
grant insert (name), delete on actions to segmentation_app;
grant select on sequence operations_added, operations_deleted, operations_lifetime_changed, operations_custom
    to segmentation_app;

grant select on jobs to segmentation_app;
grant insert (kind, parameters, actor) on jobs to segmentation_app;
grant update (status, done, total, progress, result, error, attempts, lease, leased_until, queued_at, finished_at)
    on jobs to segmentation_app;

grant select (account_id, username, password_hash, role), insert (username, password_hash, role)
    on accounts to segmentation_app;
grant select, insert (username, under_way), update (failures, failed_at, under_way), delete
    on sign_in_failures to segmentation_app;
grant select, insert, delete on idempotency_keys to segmentation_app;
