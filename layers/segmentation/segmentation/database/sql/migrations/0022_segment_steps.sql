-- The steps of schedules: each sets the percent of a segment at an instant.
create table segment_steps (
    step_id bigint generated always as identity primary key,
    segment_id integer not null references segments,
    due_at timestamptz not null,
    user_percent numeric(5, 2) not null,
    -- The author of the schedule. The changes of the step have the same actor.
    actor text not null,
    cause_id bigint,
    status text not null default 'pending',
    applied_at timestamptz,
    -- The job that brings the segment to the percent, if the step needs one.
    job_id uuid,
    constraint segment_steps_percent_range check (user_percent between 0 and 100),
    constraint segment_steps_known_status check (status in ('pending', 'applied', 'skipped', 'cancelled', 'failed')),
    constraint segment_steps_applied_at_an_instant check ((status = 'applied') = (applied_at is not null)),
    constraint segment_steps_job_of_an_applied_step check (job_id is null or status = 'applied'),
    -- Ranges, because an index of ranges needs no extension. In UTC, because the offset of a time zone can change.
    constraint segment_steps_a_minute_apart exclude using gist (
        int4range(segment_id, segment_id, '[]') with &&,
        tsrange(due_at at time zone 'UTC', due_at at time zone 'UTC' + interval '1 minute') with &&)
        where (status = 'pending') deferrable
);

create index segment_steps_in_order on segment_steps (segment_id, due_at, step_id);
create index segment_steps_due on segment_steps (due_at) where status = 'pending';
create index segment_steps_by_cause on segment_steps (cause_id) where cause_id is not null;

-- The step that made a change. Null: a request or an operator made it.
alter table segment_changes add column if not exists step_id bigint;

grant select, insert (segment_id, due_at, user_percent, actor), update (status, applied_at, job_id)
    on segment_steps to segmentation_app;
