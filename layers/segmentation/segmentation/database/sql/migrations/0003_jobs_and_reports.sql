-- Work that outlasts a request, and reports over a month of all users.

create table jobs (
    job_id uuid primary key default gen_random_uuid(),
    kind text not null,
    parameters jsonb not null,
    actor text not null,
    status text not null default 'queued',
    done bigint not null default 0,
    total bigint,
    -- where an interrupted run goes on; what it holds is the kind's own affair
    progress jsonb not null default '{}',
    result jsonb,
    error text,
    -- tries since the job last moved on
    attempts integer not null default 0,
    -- who may write to a running job, and until when without giving a sign of life
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

-- a month of all users is read in order of time, a part at a time, from wherever the part before it ended
create index history_by_time on history (executed_at, history_id);

grant select on jobs to segmentation_app;
grant insert (kind, parameters, actor) on jobs to segmentation_app;
grant update (status, done, total, progress, result, error, attempts, lease, leased_until, queued_at, finished_at)
    on jobs to segmentation_app;
